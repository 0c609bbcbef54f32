/** Fetches the figures of what is shown: the newest wish alone, once it has rested. */

/** A gesture that goes on shows another span with each of its moves. */
const DIGEST_REST_MS = 250;
const NOT_FOUND = 404;
/** After a failure that may pass. */
const DIGEST_RETRY_MS = 5000;

export class Digests {
  #asked = "";
  /** @type {AbortController | null} */ #control = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** A service of before does not offer it. */
  #isOffered = true;

  /**
   * @param {(span: Stretch, signal: AbortSignal) => Promise<Digest>} fetchDigest
   * @param {(digest: Digest | null) => void} onAnswer null where there is none
   */
  constructor(fetchDigest, onAnswer) {
    this.fetchDigest = fetchDigest;
    this.onAnswer = onAnswer;
  }

  /**
   * @param {string} name of what is shown, the same for as long as its figures are
   * @param {Stretch} span
   */
  want(name, span) {
    if (name === this.#asked || !this.#isOffered) return;
    this.#asked = name;
    this.#control?.abort();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(span), DIGEST_REST_MS);
  }

  /** @param {Stretch} span */
  async #ask(span) {
    const control = new AbortController();
    this.#control = control;
    try {
      const digest = await this.fetchDigest(span, control.signal);
      if (!control.signal.aborted) this.onAnswer(digest);
    } catch (error) {
      if (control.signal.aborted) return;
      if (error instanceof Object && "status" in error && error.status === NOT_FOUND) this.#isOffered = false;
      this.onAnswer(null);
      this.#timer = setTimeout(() => (this.#asked = ""), DIGEST_RETRY_MS);
    }
  }
}
