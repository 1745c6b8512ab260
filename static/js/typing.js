// Text as key presses: which keys make a character on a keyboard layout, and typing them at a pace that guests accept.
// QEMU takes about one key event in 10 ms and drops what comes faster; Shift has to be pressed by itself and held.

export const EVENT_MS = 12;

const ROWS = {
  top: ["Backquote", "Digit1", "Digit2", "Digit3", "Digit4", "Digit5", "Digit6", "Digit7", "Digit8", "Digit9", "Digit0", "Minus", "Equal"],
  upper: ["KeyQ", "KeyW", "KeyE", "KeyR", "KeyT", "KeyY", "KeyU", "KeyI", "KeyO", "KeyP", "BracketLeft", "BracketRight"],
  home: ["KeyA", "KeyS", "KeyD", "KeyF", "KeyG", "KeyH", "KeyJ", "KeyK", "KeyL", "Semicolon", "Quote", "Backslash"],
  lower: ["IntlBackslash", "KeyZ", "KeyX", "KeyC", "KeyV", "KeyB", "KeyN", "KeyM", "Comma", "Period", "Slash"],
};

// For each layout and row: what the keys make alone, with Shift, with AltGr. A blank is a key that makes nothing here.
// `dead`: keys that wait for the next one and stand for themselves before a space.
export const LAYOUTS = {
  us: {
    title: "US",
    top: ["`1234567890-=", "~!@#$%^&*()_+"],
    upper: ["qwertyuiop[]", "QWERTYUIOP{}"],
    home: ["asdfghjkl;'\\", "ASDFGHJKL:\"|"],
    lower: [" zxcvbnm,./", " ZXCVBNM<>?"],
    dead: "",
  },
  uk: {
    title: "UK",
    top: ["`1234567890-=", "¬!\"£$%^&*()_+", "    €        "],
    upper: ["qwertyuiop[]", "QWERTYUIOP{}"],
    home: ["asdfghjkl;'#", "ASDFGHJKL:@~"],
    lower: ["\\zxcvbnm,./", "|ZXCVBNM<>?"],
    dead: "",
  },
  de: {
    title: "German",
    top: ["^1234567890ß´", "°!\"§$%&/()=?`", "  ²³   {[]}\\ "],
    upper: ["qwertzuiopü+", "QWERTZUIOPÜ*", "@ €        ~"],
    home: ["asdfghjklöä#", "ASDFGHJKLÖÄ'"],
    lower: ["<yxcvbnm,.-", ">YXCVBNM;:_", "|      µ   "],
    dead: "^´`",
  },
};

const PLAIN = {
  " ": { code: "Space" }, "\n": { code: "Enter", keysym: 0xff0d }, "\t": { code: "Tab", keysym: 0xff09 },
};
const SHIFT = { code: "ShiftLeft", keysym: 0xffe1 };
const ALT_GR = { code: "AltRight", keysym: 0xfe03 };

// Character to stroke, for one layout.
function keysOf(name) {
  const layout = LAYOUTS[name];
  const keys = new Map(Object.entries(PLAIN));
  for (const [row, codes] of Object.entries(ROWS)) {
    layout[row].forEach((characters, level) => {
      [...characters].forEach((character, at) => {
        if (character === " " || keys.has(character)) return;
        keys.set(character, { code: codes[at], shift: level === 1, altGr: level === 2, isDead: layout.dead.includes(character) });
      });
    });
  }
  return keys;
}

function keysymOf(character) {
  const point = character.codePointAt(0);
  return point < 0x100 ? point : 0x01000000 + point;
}

// What to press for a text, and the characters that the layout cannot make, each once.
export function strokes(text, layout) {
  const keys = keysOf(layout);
  const found = [];
  const missing = new Set();
  for (const character of text.replace(/\r\n?/g, "\n")) {
    const key = keys.get(character);
    if (!key) { missing.add(character); continue; }
    found.push({ keysym: keysymOf(character), ...key });
    if (key.isDead) found.push({ keysym: 0x20, ...PLAIN[" "] });
  }
  return { strokes: found, missing: [...missing] };
}

// Key events in order: Shift and AltGr go down where they are needed, and stay down over a run.
export function* events(found) {
  const held = new Map();
  for (const stroke of found) {
    for (const [modifier, isWanted] of [[SHIFT, !!stroke.shift], [ALT_GR, !!stroke.altGr]]) {
      if (!!held.get(modifier) === isWanted) continue;
      held.set(modifier, isWanted);
      yield { ...modifier, down: isWanted, done: false };
    }
    yield { keysym: stroke.keysym, code: stroke.code, down: true, done: false };
    yield { keysym: stroke.keysym, code: stroke.code, down: false, done: true };
  }
  for (const [modifier, isHeld] of held) if (isHeld) yield { ...modifier, down: false, done: false };
}

// Types at the pace until the end or until `stop`; what is held down is let go in either case.
export class Typist {
  constructor(send, tell, pace = EVENT_MS) {
    this.send = send;
    this.tell = tell;
    this.pace = pace;
    this.isStopped = false;
  }

  stop() {
    this.isStopped = true;
  }

  // How many characters were typed.
  async type(found) {
    let typed = 0;
    const down = new Map();
    for (const { keysym, code, down: isDown, done } of events(found)) {
      if (this.isStopped) break;
      this.send(keysym, code, isDown);
      if (isDown) down.set(code, keysym);
      else down.delete(code);
      if (done) { typed += 1; this.tell(typed, found.length); }
      await new Promise((after) => { setTimeout(after, this.pace); });
    }
    for (const [code, keysym] of down) this.send(keysym, code, false);
    return typed;
  }
}

// About how long it takes, in seconds.
export function seconds(found) {
  let count = 0;
  for (const _ of events(found)) count += 1;
  return Math.max(1, Math.round((count * EVENT_MS) / 1000));
}
