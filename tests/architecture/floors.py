"""The house plan: which floor each file lives on. First pattern that matches counts; a file with no room fails."""

APPS = ("accounts", "quotas", "vms", "consoles", "vmportal")
VOCABULARY, MODELS, GATEWAYS, OPERATIONS, INTERFACES = range(5)

#: (glob below the repository, floor)
FLOORS: tuple[tuple[str, int], ...] = (
    # accounts
    ("accounts/{__init__,roles,signals,errors,identity,mapping,keys}.py", VOCABULARY),
    ("accounts/directory/{__init__,facts,plan,names,guard}.py", VOCABULARY),
    ("accounts/models/*.py", MODELS),
    ("accounts/{audit,access,pools,sync,ssh_keys,addresses,standing,alarms,outbox,spent,proof}.py", OPERATIONS),
    ("accounts/{locks,preferences,profile,departures,shared_pools,pool_marks,sealing,announcements}.py", OPERATIONS),
    ("accounts/{apps,admin,admin_base,adapter,backends,context,middleware,views,urls,forms,tasks}.py", INTERFACES),
    ("accounts/directory/*.py", OPERATIONS),
    ("accounts/{seen,factors,held_forms,view_as,people}.py", OPERATIONS),
    ("accounts/{announcement_views,rtp_middleware,proof_views,proof_forms,people_views}.py", INTERFACES),
    ("accounts/{directory_pages,directory_admin,directory_forms,people_urls,person}.py", INTERFACES),
    ("accounts/{attempts,links,local,seals}.py", OPERATIONS),
    ("accounts/{local_forms,local_views,local_middleware,mfa_forms,receivers}.py", INTERFACES),
    ("accounts/sign_in_reasons.py", VOCABULARY),
    ("accounts/sign_in.py", OPERATIONS),
    ("accounts/oidc/{__init__,errors,tokens}.py", VOCABULARY),
    ("accounts/oidc/{provider,wire}.py", GATEWAYS),
    ("accounts/oidc/{health,sessions}.py", OPERATIONS),
    ("accounts/oidc/*.py", INTERFACES),
    ("accounts/ldap/apps.py", INTERFACES),
    ("accounts/ldap/*.py", GATEWAYS),
    ("accounts/ldap/engine/*.py", GATEWAYS),
    ("accounts/templatetags/*.py", INTERFACES),
    ("accounts/management/**/*.py", INTERFACES),
    # quotas
    ("quotas/{__init__,footprint,errors,states}.py", VOCABULARY),
    ("quotas/models.py", MODELS),
    ("quotas/{locking,prepared,limits,usage,reservations,allowances,asking,shown,impact,taking_over}.py", OPERATIONS),
    ("quotas/{apps,admin,impact_admin,policy_admin,tasks,views,rtp_views,urls,forms}.py", INTERFACES),
    ("quotas/templatetags/*.py", INTERFACES),
    # vms
    ("vms/{__init__,states,units,lease,signals,verbs,shown,meters,sizes,plotting,markdown}.py", VOCABULARY),
    ("vms/{snapshot_tree,ssh_line,form_keys,console_words}.py", VOCABULARY),
    ("vms/cluster/{types,guest_types,wishes,upid,errors,tls,config,sizes,devices,parse,answers}.py", VOCABULARY),
    ("vms/mirror/{__init__,diff,facts,columns,told}.py", VOCABULARY),
    ("vms/models/*.py", MODELS),
    ("vms/cluster/*.py", GATEWAYS),
    ("vms/operations/*.py", OPERATIONS),
    ("vms/mirror/*.py", OPERATIONS),
    ("vms/{usage,access,selectors,restraints,rows,expiry,mails,pools,placement,cluster_check}.py", OPERATIONS),
    ("vms/{attention,audits,catalog_marks}.py", OPERATIONS),
    ("vms/{pool_numbers,room,capacity,leases,trash,plots}.py", OPERATIONS),
    ("vms/{guests,timeline,leftovers,lease_mails,lease_report,marks}.py", OPERATIONS),
    ("vms/{parts,fixed,filtering,leasing,renewal_links,lease_acts,lease_guards,lease_page}.py", OPERATIONS),
    ("vms/{apps,receivers,tasks,forms,pool_forms,urls,admin}.py", INTERFACES),
    ("vms/{change_form,change_table,size_fields}.py", INTERFACES),
    ("vms/{hardware_forms,device_forms,settings_forms,create_forms}.py", INTERFACES),
    ("vms/views/*.py", INTERFACES),
    ("vms/templatetags/*.py", INTERFACES),
    ("vms/management/**/*.py", INTERFACES),
    # consoles
    ("consoles/rfb/*.py", VOCABULARY),
    ("consoles/{__init__,close_codes,frames,groups,modes,notices}.py", VOCABULARY),
    ("consoles/models.py", MODELS),
    ("consoles/{node_socket,backpressure,browser_frames}.py", GATEWAYS),
    ("consoles/lookout.py", OPERATIONS),
    ("consoles/{bridge,streams,dialing,probe,grants,visits,authority,shares,seats,clocks,overview}.py", OPERATIONS),
    ("consoles/{apps,consumers,routing,receivers,tasks,views,urls,admin,share_views,rtp_views,forms}.py", INTERFACES),
    ("consoles/{reasons,threads}.py", OPERATIONS),
    ("consoles/granting.py", INTERFACES),
    ("consoles/share_forms.py", INTERFACES),
    ("consoles/templatetags/*.py", INTERFACES),
    ("consoles/management/**/*.py", INTERFACES),
    # wiring
    ("vmportal/{env,settings,logs,schedule}.py", VOCABULARY),
    ("vmportal/*.py", INTERFACES),
)

#: Interfaces that other apps' interfaces may use.
SHARED_INTERFACES = ("accounts/person.py", "accounts/admin_base.py", "accounts/forms.py")

#: A package and the only files that may import it.
SINGLE_DOORS: dict[str, tuple[str, ...]] = {
    "proxmoxer": ("vms/cluster/client.py",),
    "ldapdb": ("accounts/ldap/*.py", "accounts/ldap/engine/*.py"),
    "ldap": ("accounts/ldap/*.py", "accounts/ldap/engine/*.py"),
    "websockets": ("consoles/node_socket.py",),
    "mozilla_django_oidc": ("accounts/oidc/*.py",),
    "jwt": ("accounts/oidc/tokens.py",),
}

#: Files that know neither Django nor Channels.
PLAIN: tuple[str, ...] = (
    "consoles/rfb/*.py",
    "consoles/bridge.py",
    "vms/{states,units,lease,verbs,shown,meters,sizes,snapshot_tree,plotting,ssh_line,console_words}.py",
    "vms/mirror/{diff,facts,columns,told}.py",
    "vms/cluster/{types,guest_types,wishes,upid,errors}.py",
    "quotas/{footprint,states,errors}.py",
    "accounts/{roles,identity,mapping,errors,keys,sign_in_reasons}.py",
    "accounts/oidc/{errors,tokens}.py",
    "accounts/directory/{facts,plan,names,guard}.py",
)
