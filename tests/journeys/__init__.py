"""Ways through the whole house: browser, portal, worker, stand-in and real guests."""
