"""Numbers of the protocol, each with its section in RFC 6143; those without one are registered extensions."""

VERSION = b"RFB 003.008\n"  # 7.1.1
VERSION_BYTES = 12
SECURITY_INVALID = 0  # 7.1.2: a list of length 0, then a reason
SECURITY_NONE = 1  # 7.2.1
SECURITY_VNC = 2  # 7.2.2
CHALLENGE_BYTES = 16  # 7.2.2
RESULT_OK = 0  # 7.1.3
SHARED = b"\x01"  # 7.3.1 ClientInit: leave other viewers connected

SET_PIXEL_FORMAT = 0  # 7.5.1
SET_ENCODINGS = 2  # 7.5.2
UPDATE_REQUEST = 3  # 7.5.3
KEY_EVENT = 4  # 7.5.4
POINTER_EVENT = 5  # 7.5.5
CUT_TEXT = 6  # 7.5.6
QEMU_MESSAGE = 255  # extension; subtype 0 is the extended key event
QEMU_KEY_EVENT = 0

#: Whole length in bytes of each client message whose length does not vary.
FIXED_BYTES = {SET_PIXEL_FORMAT: 20, UPDATE_REQUEST: 10, KEY_EVENT: 8, POINTER_EVENT: 6}
QEMU_KEY_BYTES = 12
SET_ENCODINGS_HEAD_BYTES = 4
CUT_TEXT_HEAD_BYTES = 8

MAX_ENCODINGS = 256
MAX_CUT_TEXT_BYTES = 1024 * 1024
#: A clipboard of negative length is an extended one: so many bytes of flags and what belongs to them.
EXTENDED_CLIPBOARD = -1063131698
EXTENDED_FLAGS_BYTES = 4
MAX_REASON_BYTES = 4096
#: A pointer mask with this bit has a seventh byte where extended mouse buttons were negotiated; they never are.
EXTENDED_BUTTONS_BIT = 0x80

#: What a browser may ask for. Nothing here lets either side send a message whose length we do not know:
#: fences, continuous updates, desktop resize and extended mouse buttons are left out. The extended clipboard is in:
#: it is the only one through which QEMU hands out what a guest copied, and its messages say their length.
ALLOWED_ENCODINGS = frozenset(
    {
        0,  # raw, 7.7.1
        1,  # copy rectangle, 7.7.2
        2,  # RRE, 7.7.3
        5,  # hextile, 7.7.4
        6,  # zlib
        7,  # tight
        16,  # ZRLE, 7.7.6
        21,  # JPEG
        -260,  # tight with PNG
        -223,  # desktop size, 7.8.2
        -224,  # last rectangle
        -239,  # cursor, 7.8.1
        0x574D5664,  # cursor with alpha
        -258,  # QEMU's extended key event
        -261,  # QEMU's LED state
        -307,  # desktop name
        EXTENDED_CLIPBOARD,
        *range(-32, -22),  # JPEG quality
        *range(-256, -246),  # compression
    }
)
