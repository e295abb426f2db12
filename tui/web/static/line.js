// The line to a tab's dashboard: opened, lost, found again. The words for people are here.

// As tui/web/tabs.py has them.
const DASHBOARD_ENDED = 4000, TOO_MANY = 4001, NOT_STARTED = 4002;
const WAITS_S = [1, 2, 4, 8, 15];
// A pasted list of links is cut into messages of this size; the server takes twice as much.
const SLICE_BYTES = 32 * 1024;

/**
 * @param {object} screen what there is to be drawn on: `draw(bytes)`, `clear()`, `size()`
 * @param {object} notice where to speak: `say(text, button)`, the latter where there is something to be done, `hide()`
 */
export class Line {
  #socket = null;
  #failures = 0;
  #timer = 0;
  #encoder = new TextEncoder();

  constructor(screen, notice) {
    this.screen = screen;
    this.notice = notice;
  }

  get isOpen() {
    return this.#socket !== null && this.#socket.readyState === WebSocket.OPEN;
  }

  /** Opens a dashboard, unless one is open or on its way. */
  open() {
    clearTimeout(this.#timer);
    if (this.#socket !== null) return;
    const socket = new WebSocket(new URL("terminal", location.href));
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.screen.clear();
      this.notice.say("Opening the dashboard …");
      this.resize();
    };
    socket.onmessage = ({ data }) => {
      this.#failures = 0;
      this.notice.hide();
      this.screen.draw(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => {
      this.#socket = null;
      this.#closed(code, reason);
    };
  }

  /** @param {string} text what was typed or pasted */
  type(text) {
    this.send(this.#encoder.encode(text));
  }

  /** @param {Uint8Array} bytes */
  send(bytes) {
    for (let at = 0; this.isOpen && at < bytes.length; at += SLICE_BYTES) {
      this.#socket.send(bytes.subarray(at, at + SLICE_BYTES));
    }
  }

  resize() {
    if (this.isOpen) this.#socket.send(JSON.stringify(this.screen.size()));
  }

  #closed(code, reason) {
    if (code === DASHBOARD_ENDED && reason === "0") {
      this.notice.say("You left the dashboard. Jobs go on.", "Open it again");
    } else if (code === DASHBOARD_ENDED) {
      this.notice.say("The dashboard ended; what it said stands above. Jobs are not touched by this.", "Open it again");
    } else if (code === TOO_MANY) {
      this.notice.say(`${reason} dashboards are open in browsers already. Close a tab of them.`, "Try again");
    } else if (code === NOT_STARTED) {
      this.notice.say(`No dashboard could be started: ${reason}.`, "Try again");
    } else {
      this.#lost();
    }
  }

  /** Nobody said goodbye: ask what is the matter, and come back. */
  async #lost() {
    this.screen.fade();
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (this.#socket !== null) return; // somebody was quicker
    if (answer !== null && (answer.status === 401 || answer.status === 403)) {
      const text = "This browser is not known any more. Where Reeldeck runs, type: reeldeck web --url and open that address.";
      this.notice.say(text, "Try again");
      return;
    }
    const wait_s = WAITS_S[Math.min(this.#failures, WAITS_S.length - 1)];
    this.#failures += 1;
    const why = answer === null
      ? "reeldeck web does not answer. Is it running, and the tunnel to it open?"
      : "The connection was lost.";
    this.notice.say(`${why} Jobs go on. Trying again in ${wait_s} s.`, "Try now");
    this.#timer = setTimeout(() => this.open(), wait_s * 1000);
  }
}
