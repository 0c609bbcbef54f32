/** Fetches what belongs to a view beside its picture: the newest wish alone, once it has rested. */

/** A gesture that goes on shows another span with each of its moves. */
const WISH_REST_MS = 250;
const NOT_FOUND = 404;
/** After a failure that may pass. */
const WISH_RETRY_MS = 5000;

/**
 * @template Wish
 * @template Answer
 */
export class Latest {
  #asked = "";
  /** @type {AbortController | null} */ #control = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** A service of before does not offer it. */
  #isOffered = true;

  /**
   * @param {(wish: Wish, signal: AbortSignal) => Promise<Answer>} fetchAnswer
   * @param {(answer: Answer | null, error?: unknown) => void} onAnswer null where there is none, with what went wrong
   */
  constructor(fetchAnswer, onAnswer) {
    this.fetchAnswer = fetchAnswer;
    this.onAnswer = onAnswer;
  }

  /**
   * @param {string} name of the wish, the same for as long as its answer is
   * @param {Wish} wish
   */
  want(name, wish) {
    if (name === this.#asked || !this.#isOffered) return;
    this.drop();
    this.#asked = name;
    this.#timer = setTimeout(() => this.#ask(wish), WISH_REST_MS);
  }

  /** Nothing is wanted any more: what is on its way is not waited for. */
  drop() {
    this.#asked = "";
    this.#control?.abort();
    clearTimeout(this.#timer);
  }

  /** @param {Wish} wish */
  async #ask(wish) {
    const control = new AbortController();
    this.#control = control;
    try {
      const answer = await this.fetchAnswer(wish, control.signal);
      if (!control.signal.aborted) this.onAnswer(answer);
    } catch (error) {
      if (control.signal.aborted) return;
      if (error instanceof Object && "status" in error && error.status === NOT_FOUND) this.#isOffered = false;
      this.onAnswer(null, error);
      this.#timer = setTimeout(() => (this.#asked = ""), WISH_RETRY_MS);
    }
  }
}
