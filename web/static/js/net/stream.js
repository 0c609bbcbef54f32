/** The event stream, open while the page is visible. Alone knows EventSource. */

const NAMES = /** @type {const} */ (["hello", "resync", "gap", "minute", "sample", "state", "beat"]);
/** Silence after which the connection counts as dead: the service promises an event every 10 s. */
const SILENCE_MS = 15_000;
const HIDDEN_GRACE_MS = 10_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * 1, 2, 4 … 30 s, less up to a half at random: many pages must not come back in one instant.
 * @param {number} attempt from 0
 * @param {number} chance 0 ≤ chance < 1
 */
export function retryDelay(attempt, chance) {
  return Math.min(1000 * 2 ** attempt, LONGEST_WAIT_MS) * (1 - chance / 2);
}

export class Stream {
  /** @type {EventSource | null} */ #source = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watchdog;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #grace;
  #attempt = 0;

  /** @param {StreamListener} listener */
  constructor(listener) {
    this.listener = listener;
  }

  /** Follows the page's visibility from now on. */
  start() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#leave() : this.#wake()));
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

  #wake() {
    clearTimeout(this.#grace);
    if (document.hidden || this.#source?.readyState === EventSource.OPEN) return;
    if (!this.#source && this.#retry === undefined) this.listener.enter("connecting");
    this.#attempt = 0;
    this.#open();
  }

  #open() {
    this.#close();
    const source = new EventSource(this.listener.address());
    this.#source = source;
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
    this.listener.enter("open");
    this.listener.receive(name, JSON.parse(text));
  }

  /** A frozen service or a half-open connection raises no error: only silence tells. */
  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.listener.enter("lost");
      this.#open();
    }, SILENCE_MS);
  }

  #fail() {
    this.listener.enter("lost");
    if (this.#source?.readyState !== EventSource.CLOSED) return;
    this.#close();
    this.#retry = setTimeout(() => this.#open(), retryDelay(this.#attempt++, Math.random()));
  }

  #close() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    clearTimeout(this.#grace);
    this.#retry = undefined;
  }
}
