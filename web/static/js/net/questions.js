/** Asks for the history whenever the page wants another one: never twice for one wish, nor at short intervals. */

/** Between two questions: many reasons to ask may come at once, and a service that did not answer needs time. */
const PAUSE_MS = 5000;

export class Questions {
  /** The wish that was asked for last. */
  #asked = 0;
  #isPausing = false;

  /**
   * @param {Pick<State, "wantsHistory" | "wish" | "phase" | "load">} state
   * @param {() => Promise<[samples: HistoryBody, minutes: HistoryBody]>} fetchAnswer
   * @param {() => void} onAnswer
   */
  constructor(state, fetchAnswer, onAnswer) {
    this.state = state;
    this.fetchAnswer = fetchAnswer;
    this.onAnswer = onAnswer;
  }

  /** Asks if there is a wish; of those that come during a pause, for the last one after it. */
  async look() {
    const { wantsHistory, wish, phase } = this.state;
    if (!wantsHistory || phase !== "open" || this.#isPausing || this.#asked === wish) return;
    this.#asked = wish;
    this.#isPausing = true;
    setTimeout(() => {
      this.#isPausing = false;
      this.look();
    }, PAUSE_MS);
    try {
      this.state.load(wish, ...(await this.fetchAnswer()));
      this.onAnswer();
    } catch {
      if (this.#asked === wish) this.#asked = 0;
      this.look();
    }
  }
}
