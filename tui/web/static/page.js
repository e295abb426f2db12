// The page: a terminal that fills the window, and what a browser does otherwise than a terminal.

import { Line } from "./line.js";

const { FitAddon, Terminal, Unicode11Addon } = globalThis.xterm; // terminal.js

const FONT = "ui-monospace, 'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, 'Noto Sans Mono', monospace";
// The dashboard is made for so many columns; letters get smaller before it gets narrower.
const COLUMNS = 80;
const FONT_PX = { least: 8, most: 15 };
const RESIZED_MS = 100;
// More than the dashboard copies.
const CLIPBOARD_CHARS = 200_000;

const find = (id) => document.getElementById(id);
const terminal = new Terminal({
  allowProposedApi: true, // widths of characters
  fontFamily: FONT,
  fontSize: FONT_PX.most,
  scrollback: 0,
  cursorInactiveStyle: "none",
  // What is marked can be read in the dashboard's light theme, too.
  theme: { background: "#0e1217", foreground: "#d5dce5", selectionBackground: "#6cb2ff", selectionForeground: "#0e1217" },
  // Links that a terminal shows are followed by nobody: the dashboard has none, and titles come from anywhere.
  linkHandler: { activate() {} },
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.loadAddon(new Unicode11Addon());
terminal.unicode.activeVersion = "11";
terminal.open(find("screen"));

const notice = {
  say(text, button) {
    find("said").textContent = text;
    find("again").hidden = !button;
    find("again").textContent = `${button} (Enter)`;
    find("notice").show();
    if (button) find("again").focus();
  },
  hide() {
    if (!find("notice").open) return;
    find("notice").close();
    terminal.focus();
  },
};
const screen = {
  draw: (bytes) => terminal.write(bytes),
  clear() {
    find("screen").classList.remove("stale");
    terminal.reset();
  },
  fade: () => find("screen").classList.add("stale"),
  size: () => ({ columns: terminal.cols, lines: terminal.rows }),
};
const line = new Line(screen, notice);

// Size.

function fill() {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `100px ${FONT}`;
  const wanted = find("screen").clientWidth / (COLUMNS * context.measureText("M").width / 100);
  terminal.options.fontSize = Math.max(FONT_PX.least, Math.min(FONT_PX.most, Math.floor(wanted * 2) / 2));
  fit.fit();
}

let resized = 0;
new ResizeObserver(() => {
  clearTimeout(resized);
  resized = setTimeout(fill, RESIZED_MS);
}).observe(find("screen"));
let columns = terminal.cols;
terminal.onResize(({ cols }) => {
  // Cells beyond a smaller width are kept, and copied with what is marked; the dashboard draws all lines anew.
  if (cols < columns) terminal.write("\x1b[2J");
  columns = cols;
  line.resize();
});
// A telephone's keyboard covers the page where the browser does not make it smaller.
window.visualViewport?.addEventListener("resize", () => {
  document.body.style.height = `${window.visualViewport.height}px`;
});

// Keys.

terminal.onData((text) => line.type(text));
terminal.onBinary((text) => line.send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
terminal.attachCustomKeyEventHandler((event) => {
  const isPaste = event.ctrlKey && !event.altKey && event.key.toLowerCase() === "v";
  const isCopy = event.ctrlKey && !event.altKey && event.key.toLowerCase() === "c" && terminal.hasSelection();
  // What these do in every page they do here.
  return !(isPaste || isCopy || ["F5", "F11", "F12"].includes(event.key));
});

// Otherwise a text on the clipboard could end the paste itself, and go on as if it were typed.
find("screen").addEventListener("paste", (event) => {
  event.preventDefault();
  event.stopImmediatePropagation();
  const text = event.clipboardData?.getData("text/plain") ?? "";
  terminal.paste(text.replace(/[^\P{Cc}\t\r\n]/gu, ""));
}, { capture: true });

const TOUCH_KEYS = {
  Esc: "\x1b", Tab: "\t", "↑": "\x1b[A", "↓": "\x1b[B", "←": "\x1b[D", "→": "\x1b[C", "⏎": "\r", "?": "?",
};
function addTouchKey(name, press) {
  const button = document.createElement("button");
  button.textContent = name;
  // The letters' keyboard stays as it is, open or closed.
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("click", press);
  find("keys").append(button);
}
for (const [name, sent] of Object.entries(TOUCH_KEYS)) addTouchKey(name, () => terminal.input(sent));
if (matchMedia("(pointer: coarse)").matches) {
  // A touch means a row; the letters come when they are asked for.
  terminal.textarea.inputMode = "none";
  addTouchKey("abc", () => {
    terminal.textarea.inputMode = terminal.textarea.inputMode === "none" ? "text" : "none";
    terminal.blur();
    terminal.focus();
  });
}

// What the dashboard sends to the clipboard (OSC 52); it never reads it. Where the browser refuses, the same
// key pressed again shows the text.
terminal.parser.registerOscHandler(52, (data) => {
  const coded = data.slice(data.indexOf(";") + 1);
  if (coded === "?" || coded.length > CLIPBOARD_CHARS) return true;
  try {
    const bytes = Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
    navigator.clipboard?.writeText(new TextDecoder().decode(bytes)).catch(() => {});
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // not base64
  }
  return true;
});

// What is left of the window has the colour of the dashboard's ground, whatever its theme.
terminal.onWriteParsed(() => {
  const cell = terminal.buffer.active.getLine(terminal.rows - 2)?.getCell(0); // above the keys
  if (cell?.isBgRGB()) {
    document.body.style.background = `#${cell.getBgColor().toString(16).padStart(6, "0")}`;
  }
});

// Coming back.

find("again").addEventListener("click", () => line.open());
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && find("notice").open && event.target !== find("again")) line.open();
});
document.addEventListener("visibilitychange", () => {
  // Only a lost line: what somebody left is opened by hand.
  if (document.visibilityState === "visible" && find("screen").classList.contains("stale")) line.open();
});
document.addEventListener("click", (event) => {
  if (!find("keys").contains(event.target)) terminal.focus();
});

fill();
terminal.focus();
line.open();
