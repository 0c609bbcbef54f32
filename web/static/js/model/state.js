/** All that the stream tells. Listeners change it, one show() reads it. Pure: time comes in as an argument. */

import { degradation, pendingFrom, statusOf } from "./status.js";
import { Series } from "./series.js";
import { MINUTE_S } from "./units.js";

/** After longer than this the hour is fetched, not replayed. */
const REPLAY_S = 55 * 60;

/** While a recording that is degraded brings nothing, so often it is asked why. */
const WONDER_S = 60;

export class State {
  /** Counts every change of the hour. */
  revision = 0;
  /** @type {Phase} */ phase = "connecting";
  /** When the phase began, UTC Unix seconds. */
  since;
  /** The service speaks another version than this page. */
  upgraded = false;
  /** Why the recording is degraded, null when it is not. */
  degraded;
  /** What follows the clock beside the hour, as a week does; null while nothing does. @type {Series | null} */
  followed = null;
  /** The cursor's time, null while it is nowhere. @type {number | null} */
  cursor = null;
  /** Set by keys it stays at its time; under a pointer it stays under the pointer. */
  pinned = false;
  /** Numbers the wishes for a new history: a late answer to an older wish is dropped. 0 before the first. */
  wish = 0;
  /** To be merged with the answer to the wish; null without a wish. @type {((series: Series) => void)[] | null} */
  #waiting = null;
  /** When the service was last heard of, in its own time. */
  #heard;
  /** Server minus local clock, s. */
  #offset;
  /** When it was asked last why nothing comes. */
  #wondered = -Infinity;
  /** Samples after this id are live, not replayed. @type {number} */
  #liveAfter = Infinity;
  /** The one sample that is replayed after a resync. @type {number | null} */
  #replayed = null;

  /**
   * @param {Pick<Boot, "version" | "interval" | "newest" | "state" | "samples" | "minutes" | "now">} boot
   * @param {number} localNow Unix seconds of the browser's clock
   */
  constructor(boot, localNow) {
    this.version = boot.version;
    this.interval = boot.interval;
    this.newest = boot.newest;
    this.degraded = degradation(boot.state);
    this.lastId = boot.samples.last_id;
    this.hour = new Series(boot.samples, boot.minutes);
    this.#offset = boot.now - localNow;
    this.since = boot.now;
    this.#heard = boot.now;
  }

  get wantsHistory() {
    return this.#waiting !== null;
  }

  /** Null before the first sample. */
  get newestTime() {
    return this.newest?.time ?? null;
  }

  /** @param {number} localNow */
  now(localNow) {
    return localNow + this.#offset;
  }

  /**
   * The newest grid time: where the pictures end.
   * @param {number} localNow
   */
  end(localNow) {
    return Math.max(Math.floor(this.now(localNow) / this.interval) * this.interval, this.newestTime ?? 0);
  }

  /** @param {number} localNow */
  status(localNow) {
    return statusOf(this, this.now(localNow), this.#isExplained(localNow));
  }

  /** Whether an open gap says why nothing comes. @param {number} localNow */
  #isExplained(localNow) {
    return this.hour.gaps(this.end(localNow)).some(({ isOpen }) => isOpen);
  }

  /**
   * What a picture shows that ends now.
   * @param {number} localNow
   * @param {Series} [series]
   * @param {number} [span] seconds, at most those of the series
   * @returns {Frame}
   */
  frame(localNow, series = this.hour, span = series.span) {
    const to = this.end(localNow);
    const { connection } = this.status(localNow);
    const { interval } = this;
    const known = this.phase === "open" ? to : Math.min(to, Math.floor(this.#heard / interval) * interval);
    const gaps = series.gaps(to, known);
    /* Where an open gap says why no sample comes, none is awaited. */
    const explained = gaps.find(({ isOpen }) => isOpen)?.to ?? -Infinity;
    const newestTime = this.newestTime === null ? null : Math.max(this.newestTime, explained);
    const from = to - span;
    return {
      from,
      to,
      end: to,
      gaps: gaps.filter((gap) => gap.to > from),
      clockSteps: series.clockSteps(to).filter(({ time }) => time > from),
      unreliable: series.unreliable(to).filter((stretch) => stretch.to > from),
      beginning: series.beginning(to),
      pending: pendingFrom({ newestTime, interval }, connection, to),
      connection,
    };
  }

  /**
   * Puts the cursor on the slot nearest to a time.
   * @param {number | null} time
   * @param {boolean} pinned
   * @param {Grid} grid
   */
  point(time, pinned, { first, last, step }) {
    this.cursor = time === null ? null : Math.round(Math.min(last, Math.max(first, time)) / step) * step;
    this.pinned = pinned;
  }

  /**
   * Where the stream goes on, as its address says it: nothing is missed, nothing sent that the page will fetch anyway.
   * @param {number} localNow
   */
  position(localNow) {
    if (this.lastId === null) return "";
    if (this.now(localNow) - this.lastId <= REPLAY_S) return `&after=${this.lastId}`;
    this.#wantHistory();
    return "";
  }

  /**
   * @param {Phase} phase
   * @param {number} localNow
   */
  enter(phase, localNow) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.since = this.now(localNow);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} payload
   * @param {number} localNow
   */
  receive(name, payload, localNow) {
    /** @type {{[N in keyof Events]: (payload: Events[N]) => void}} */
    const receivers = {
      hello: (hello) => this.#greet(hello, localNow),
      resync: (resync) => this.#startOver(resync.last_id),
      gap: (gap) => this.#close(gap),
      minute: (minute) => this.#merge((series) => series.coarse.step === MINUTE_S && series.putAverage(minute)),
      sample: (sample) => this.#take(sample, localNow),
      state: ({ state }) => this.#fare(state),
      beat: ({ now }) => this.#beat(now, localNow),
    };
    receivers[name](payload);
    this.#heard = this.now(localNow);
  }

  /**
   * The answer to a wish. What arrived meanwhile is merged into it.
   * @param {number} wish
   * @param {HistoryBody} samples
   * @param {HistoryBody} minutes
   */
  load(wish, samples, minutes) {
    if (wish !== this.wish || !this.#waiting) return;
    this.hour = new Series(samples, minutes);
    for (const merge of this.#waiting) merge(this.hour);
    this.#waiting = null;
    this.revision += 1;
  }

  /**
   * @param {Hello} hello
   * @param {number} localNow
   */
  #greet(hello, localNow) {
    this.#synchronise(hello.now, localNow);
    this.#liveAfter = hello.last_id ?? 0;
    this.#replayed = null;
    this.upgraded = hello.version !== this.version;
    this.#fare(hello.state);
    if (hello.interval === this.interval) return;
    this.interval = hello.interval;
    this.#wantHistory();
  }

  /**
   * A gap that begins has no event: only a history tells it.
   * @param {string} state as the service words it
   */
  #fare(state) {
    const degraded = degradation(state);
    /* How many samples wait for a disk changes with each of them, and tells of no gap. */
    if ((degraded === null) !== (this.degraded === null)) this.#wantHistory();
    this.degraded = degraded;
  }

  /**
   * That nothing is recorded may be told before the gap is known, which is after three ticks without a sample.
   * @param {number} now
   * @param {number} localNow
   */
  #beat(now, localNow) {
    this.#synchronise(now, localNow);
    if (this.degraded === null || this.status(localNow).connection !== "stale") return;
    if (this.#isExplained(localNow) || Math.abs(now - this.#wondered) < WONDER_S) return;
    this.#wondered = now;
    this.#wantHistory();
  }

  /**
   * The service's clock may have been set back: ids no longer tell what is live.
   * @param {number | null} lastId
   */
  #startOver(lastId) {
    this.#liveAfter = -Infinity;
    this.#replayed = lastId;
    this.#wantHistory();
  }

  /**
   * @param {Sample} sample
   * @param {number} localNow
   */
  #take(sample, localNow) {
    this.newest = sample;
    this.lastId = sample.time;
    if (sample.time > this.#liveAfter && sample.time !== this.#replayed) this.#synchronise(sample.time, localNow);
    const { interval } = this;
    this.#merge((series) => series.fine.step === interval && series.putSample(sample));
    const { step } = this.hour.fine;
    if (step !== interval && sample.time % step === 0) this.#wantHistory();
  }

  /**
   * A clock step has no event of its own: only a history tells it.
   * @param {ToldGap} gap
   */
  #close(gap) {
    if (gap.cause === "clock") this.#wantHistory();
    this.#merge((series) => series.putGap(gap));
  }

  /** @param {(series: Series) => void} merge */
  #merge(merge) {
    merge(this.hour);
    if (this.followed) merge(this.followed);
    this.#waiting?.push(merge);
    this.revision += 1;
  }

  #wantHistory() {
    this.wish += 1;
    this.#waiting = [];
  }

  /**
   * The browser's clock may be wrong or step.
   * @param {number} now
   * @param {number} localNow
   */
  #synchronise(now, localNow) {
    this.#offset = now - localNow;
  }
}
