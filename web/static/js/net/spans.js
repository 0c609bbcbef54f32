/** Fetches what a view wants to show: the newest wish alone, and again where the service could not answer. */

/** After a failure that may pass. */
const RETRY_MS = 5000;
/** A gesture that goes on wants another span with each of its moves. */
const GESTURE_REST_MS = 120;
/** What asking again does not change: wrong, not allowed. */
const FINAL = [400, 401, 403, 404, 421, 429];

export class Spans {
  /** @type {AbortController | null} */ #control = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** What is being asked for, or could not be had. */
  #asked = "";

  /**
   * @param {Pick<Scene, "load"> & {failure: Failure | null}} scene
   * @param {(wanted: Wanted, signal: AbortSignal) => Promise<[samples: HistoryBody, averages: HistoryBody]>} fetchSpan
   * @param {() => void} onChange
   */
  constructor(scene, fetchSpan, onChange) {
    this.scene = scene;
    this.fetchSpan = fetchSpan;
    this.onChange = onChange;
  }

  get isBusy() {
    return this.#control !== null;
  }

  /**
   * @param {Wanted | null} wanted null when there is nothing to fetch
   * @param {boolean} isResting no gesture is going on
   */
  want(wanted, isResting) {
    /* Without the end of what follows the clock: it is asked for again when it was answered, not meanwhile. */
    const key = wanted ? JSON.stringify([wanted.view, wanted.points]) : "";
    if (key === this.#asked) return;
    this.#drop();
    if (!wanted) return;
    this.#asked = key;
    this.#timer = setTimeout(() => this.#ask(wanted), isResting ? 0 : GESTURE_REST_MS);
  }

  #drop() {
    this.#control?.abort();
    this.#control = null;
    clearTimeout(this.#timer);
    this.#asked = "";
  }

  /** @param {Wanted} wanted */
  async #ask(wanted) {
    const control = new AbortController();
    this.#control = control;
    try {
      const answers = await this.fetchSpan(wanted, control.signal);
      if (control !== this.#control) return;
      this.scene.load(wanted, ...answers);
      this.#drop();
    } catch (error) {
      if (control !== this.#control) return;
      this.#fail(error);
    }
    this.onChange();
  }

  /** @param {unknown} error */
  #fail(error) {
    const status = error instanceof Object && "status" in error ? Number(error.status) : 0;
    this.#control = null;
    this.scene.failure = { status, reason: error instanceof Error ? error.message : "" };
    if (FINAL.includes(status)) return;
    this.#timer = setTimeout(() => {
      this.#drop();
      this.onChange();
    }, RETRY_MS);
  }
}
