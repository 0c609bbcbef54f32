/** The event stream, open while the page is visible. Alone knows EventSource. */

const NAMES = /** @type {const} */ (["hello", "resync", "gap", "minute", "sample", "state", "beat"]);
/** Silence after which the connection counts as dead: the service promises an event every 10 s. */
const SILENCE_MS = 15_000;
const HIDDEN_GRACE_MS = 10_000;
/** Waits before the first further attempt, and at most. */
const REFUSED = { firstMs: 1000, longestMs: 30_000 };
/** What holds a stream back may keep its own connection to the service open after ours is closed: few attempts, then. */
const HELD = { firstMs: 5000, longestMs: 600_000 };

/**
 * 1, 2, 4 … 30 s, less up to a half at random: many pages must not come back in one instant.
 * @param {number} attempt from 0
 * @param {number} chance 0 ≤ chance < 1
 */
export function retryDelay(attempt, chance, { firstMs, longestMs } = REFUSED) {
  return Math.min(firstMs * 2 ** attempt, longestMs) * (1 - chance / 2);
}

/** A name that no other page has: digits and hyphens. `crypto.randomUUID` is there on https alone. */
export function randomName() {
  return crypto.getRandomValues(new Uint32Array(5)).join("-");
}

export class Stream {
  /** @type {EventSource | null} */ #source = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watchdog;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #grace;
  /** Attempts since the last event. */
  #attempt = 0;
  /** An event came since the stream was opened, or since it last broke. */
  #heard = false;
  /** Streams come to nothing although the service answers beside them. */
  #isHeld = false;
  /** Counts openings and closings, which an answer that comes late has missed. */
  #turn = 0;

  /**
   * @param {StreamListener} listener
   * @param {string} [reader] by which the service knows this page and ends the stream that it had before: a proxy may
   * have kept it open
   */
  constructor(listener, reader = randomName()) {
    this.listener = listener;
    this.reader = reader;
  }

  /** Follows the page's visibility from now on. */
  start() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#leave() : this.#look()));
    addEventListener("pageshow", ({ persisted }) => persisted && this.#wake());
    addEventListener("online", () => this.#wake());
    addEventListener("pagehide", () => this.#hide());
    if (document.hidden) this.#hide();
    else this.#wake();
  }

  #leave() {
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => this.#hide(), HIDDEN_GRACE_MS);
  }

  #hide() {
    this.#close();
    this.listener.enter("hidden");
  }

  /** Looking does not cut the wait of a stream that is held back short. */
  #look() {
    clearTimeout(this.#grace);
    if (this.#isHeld && this.#isBusy) return;
    this.#wake();
  }

  get #isBusy() {
    return this.#source !== null || this.#retry !== undefined;
  }

  #wake() {
    clearTimeout(this.#grace);
    if (document.hidden || this.#source?.readyState === EventSource.OPEN) return;
    if (!this.#isBusy) this.listener.enter("connecting");
    if (!this.#isHeld) this.#attempt = 0;
    this.#open();
  }

  #open() {
    this.#close();
    const source = new EventSource(`events?reader=${this.reader}${this.listener.position()}`);
    this.#source = source;
    this.#heard = false;
    for (const name of NAMES) source.addEventListener(name, (event) => this.#hear(name, event.data));
    source.addEventListener("error", () => this.#fail());
    this.#watch();
  }

  /**
   * @param {typeof NAMES[number]} name
   * @param {string} text
   */
  #hear(name, text) {
    this.#watch();
    this.#attempt = 0;
    this.#heard = true;
    this.#isHeld = false;
    this.listener.enter("open");
    this.listener.receive(name, JSON.parse(text));
  }

  /** A frozen service or a half-open connection raises no error: only silence tells. */
  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => (this.#heard ? this.#reopen() : this.#doubt()), SILENCE_MS);
  }

  #reopen() {
    this.listener.enter("lost");
    this.#open();
  }

  /** No event from the first on: a network that was away for a moment, or else something that holds the stream back. */
  async #doubt() {
    this.#close();
    const turn = this.#turn;
    const isHeld = this.#attempt > 0 && (await this.listener.answers());
    if (turn !== this.#turn) return;
    this.#isHeld = isHeld;
    this.listener.enter(isHeld ? "held" : "lost");
    this.#retryAfter(isHeld ? HELD : REFUSED);
  }

  /** A stream that had begun is left to the browser: it comes back after the time that the service named. */
  #fail() {
    this.listener.enter("lost");
    if (this.#heard && this.#source?.readyState !== EventSource.CLOSED) {
      this.#heard = false;
      return this.#watch();
    }
    this.#close();
    this.#isHeld = false;
    this.#retryAfter(REFUSED);
  }

  /** @param {typeof REFUSED} waits */
  #retryAfter(waits) {
    this.#retry = setTimeout(() => this.#open(), retryDelay(this.#attempt++, Math.random(), waits));
  }

  #close() {
    this.#turn += 1;
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    clearTimeout(this.#grace);
    this.#retry = undefined;
  }
}
