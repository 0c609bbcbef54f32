/** The sentences about a span: summaries, gap labels, readouts. Pure. */

import { extremes } from "../model/statistics.js";
import { coveredFrom, longSamples } from "../model/coverage.js";
import { MINUTE_S } from "../model/units.js";

/**
 * What lies before the picture does not count, and of what has not arrived nothing is said but that.
 * @type {Sentence<Pick<Frame, "gaps" | "from" | "pending">>}
 */
function interruptions({ gaps, from, pending }, { words, format }) {
  const unknown = pending === null ? [] : [words.text("summary_unknown", { time: format.when(pending) })];
  if (gaps.length === 0) return unknown[0] ?? words.text("summary_no_gaps");
  const missing = gaps.reduce((sum, gap) => sum + gap.to - Math.max(gap.from, from), 0);
  return [words.plural("summary_gaps", gaps.length, { duration: format.duration(missing) }), ...unknown].join(" ");
}

/** Seconds of the finest step that no limit of the service takes away. */
const COARSE_S = 900;

/**
 * Since when what is shown could be shown more finely, or was put together from finer records; empty if neither.
 * @param {Pick<Series, "fine" | "kept" | "keptFrom">} series
 * @param {number} from start of the picture
 * @param {Language} language
 */
export function keptSentence({ fine: { step }, kept: { samples_from: samples, minutes_from: minutes }, keptFrom }, from, { words, format }) {
  /** @param {string} name @param {number} time */
  const before = (name, time) => words.text(name, { time: format.when(time) });
  if (step <= COARSE_S && minutes !== null && minutes > from) return before("kept_quarter_hours", minutes);
  if (step <= MINUTE_S && samples !== null && samples > from) return before("kept_minutes", samples);
  return keptFrom !== null && keptFrom > from && step >= COARSE_S ? before("kept_from", keptFrom) : "";
}

/**
 * Rows within the picture, and the share of their time that each stands for.
 * @param {Series} series
 * @param {Frame} frame
 */
function weightedRows(series, { from, end }) {
  const { step } = series.fine;
  const long = longSamples(series, end);
  return series.fine.times(end).map((time) => {
    const row = series.fine.at(time);
    return { time, row, weight: (row?.count ?? 0) * (time - Math.max(from, coveredFrom(time, step, long))) };
  });
}

/**
 * The mean is that of the recorded time in the picture: a sample after a stall stands for all of it.
 * @param {Series} series
 * @param {Frame} frame
 * @param {Language} language
 */
export function samplesSummary(series, frame, { words, format }) {
  const rows = weightedRows(series, frame);
  const weights = rows.map(({ weight }) => weight);
  const found = extremes(rows.map(({ row }) => row?.cpu ?? null), weights);
  const highest = extremes(rows.map(({ row }) => row?.max ?? null), weights);
  if (!found || !highest) return words.text("summary_empty");
  const time = /** @type {{time: number}} */ (rows[highest.peakIndex]).time;
  const at = timeText(time, series, format);
  const figures = words.text("summary_samples", { mean: format.whole(found.mean), peak: format.whole(highest.peak), at });
  return `${figures} ${interruptions(frame, { words, format })}`;
}

/**
 * Seconds where the grid tells them, and the day where it is not that of the newest.
 * @param {number} time
 * @param {Series} series
 * @param {Format} format
 */
function timeText(time, series, format) {
  const { step } = series.fine;
  return step < MINUTE_S ? format.instant(time) : format.span(time - step, time);
}

/**
 * An average of a few samples is neither the busiest nor the calmest.
 * @param {Series} series
 * @param {Frame} frame
 * @param {Language} language
 */
export function averagesSummary(series, frame, { words, format }) {
  const { step } = series.coarse;
  const times = series.coarse.times(frame.end);
  const rows = times.map((time) => series.coarse.at(time));
  const most = Math.max(...rows.map((row) => row?.count ?? 0));
  const long = longSamples(series, frame.end);
  const weights = times.map((time, i) => {
    const isFew = (rows[i]?.count ?? 0) * 2 < most && coveredFrom(time, step, long) === time - step;
    return isFew ? 0 : time - frame.from;
  });
  const found = extremes(rows.map((row) => row?.cpu ?? null), weights);
  if (!found) return words.text("summary_minutes_empty");
  const busiest = /** @type {number} */ (times[found.peakIndex]);
  const from = coveredFrom(busiest, step, long);
  const isLong = busiest - from > step || step > MINUTE_S;
  return words.text(isLong ? "summary_minutes_long" : "summary_minutes", {
    span: isLong ? format.span(from, busiest) : format.minutes(from, busiest),
    peak: format.whole(found.peak),
    lowest: format.whole(found.lowest),
  });
}

/**
 * A service that is newer than the page may know further causes. What still lasts is not told as over.
 * @param {"cause" | "short"} length
 * @param {Gap} gap
 * @param {Words} words
 */
function causeText(length, { cause, isOpen }, words) {
  const keys = [...(isOpen ? [`${length}_${cause}_open`] : []), `${length}_${cause}`];
  return words.text(keys.find(words.knows) ?? `${length}_other`);
}

/** @type {Sentence<Gap>} */
function since({ from, to }, { words, format }) {
  return words.text("gap_since", { time: format.moment(from, to) });
}

/**
 * "service was off 12:03–12:17, 14 min; CPU averaged 23 %"
 * @type {Sentence<Gap>}
 */
export function gapSentence(gap, { words, format }) {
  if (gap.count) {
    const [span, duration] = [format.span(gap.from, gap.to), format.duration(gap.seconds ?? 0)];
    return words.plural("gap_several", gap.count, { span, duration });
  }
  const when = { span: format.span(gap.from, gap.to), duration: format.duration(gap.to - gap.from) };
  const told = gap.isOpen ? since(gap, { words, format }) : words.text("gap_when", when);
  const sentence = `${causeText("cause", gap, words)} ${told}`;
  return gap.cpu === null ? sentence : `${sentence}; ${words.text("gap_mean", { cpu: format.whole(gap.cpu) })}`;
}

/**
 * What a gap may say, as in Labels.
 * @type {Sentence<Gap, string[][]>}
 */
export function gapLabels(gap, language) {
  const { words, format } = language;
  if (gap.count) return [[gapSentence(gap, language)]];
  const duration = format.duration(gap.to - gap.from);
  const roughly = format.roughly(gap.to - gap.from);
  const cause = causeText("cause", gap, words);
  const short = causeText("short", gap, words);
  const when = `${format.span(gap.from, gap.to)}, ${duration}`;
  const mean = gap.cpu === null ? [] : [words.text("gap_mean", { cpu: format.whole(gap.cpu) })];
  const long = gap.isOpen
    ? [[cause, since(gap, language), ...mean]]
    : [[`${cause} ${when}`, ...mean], [cause, when, ...mean]];
  return [
    [gapSentence(gap, language)],
    ...long,
    [`${short} ${roughly}`],
    [short, roughly],
    [roughly],
  ];
}

/**
 * @param {string[][]} candidates
 * @param {number} width px
 * @param {(line: string) => number} measure px of a line
 * @returns no lines when none fits
 */
export function fittingLabel(candidates, width, measure) {
  return candidates.find((lines) => lines.every((line) => measure(line) <= width)) ?? [];
}

/**
 * Of the sample that covers a part of the slot, and more than it.
 * @param {number} end of the slot
 * @param {number} step its length, s
 * @param {Series} series
 * @param {Language} language
 */
function longSample(end, step, series, { words, format }) {
  const touching = longSamples(series).filter(({ from, to }) => from < end && to > end - step);
  const long = touching.find(({ from, to }) => from < end - step || to > end);
  return long ? [words.text("readout_long", { span: format.span(long.from, long.to) })] : [];
}

/** @type {Readout} */
export function sampleReadout(time, series, language) {
  const { words, format } = language;
  const row = series.fine.at(time);
  const gap = row ? null : series.gapAt(time);
  const when = timeText(time, series, format);
  if (gap) return `${when} · ${gapSentence(gap, language)}`;
  const parts = [
    row ? rowText(row, language) : words.text("readout_nothing"),
    ...(series.doubtful().has(time) ? [words.text("unreliable")] : []),
    ...longSample(time, series.fine.step, series, language),
  ];
  return `${when} · ${parts.join("; ")}`;
}

/**
 * A slot of the averages, which is of whole minutes.
 * @param {number} end
 * @param {number} step
 * @param {Format} format
 */
export function slotText(end, step, format) {
  return step === MINUTE_S ? format.minutes(end - step, end) : format.span(end - step, end);
}

/** So many samples tell no more than that there were many. */
const MOST_COUNTED = 1000;

/** In doubt what is doubted needs the room. @type {Sentence<Average>} */
function averageText({ cpu, min, max, count, unreliable }, { words, format }) {
  const values = { cpu: format.percent(cpu), min: format.whole(min), max: format.whole(max) };
  return unreliable || count > MOST_COUNTED ? words.text("readout_mean", values) : words.plural("readout_minute", count, values);
}

/** A single sample is its own mean. @type {Sentence<Average>} */
function rowText(row, language) {
  return row.count === 1 ? language.format.percent(row.cpu) : averageText(row, language);
}

/** @type {Sentence<Average>} */
function doubt({ accounted }, { words, format }) {
  if (typeof accounted !== "number") return words.text("unreliable");
  return words.text("unreliable_share", { share: format.whole(100 * accounted) });
}

/**
 * Of the average that covers the time.
 * @type {Readout}
 */
export function averageReadout(time, series, language) {
  const { words, format } = language;
  const { step } = series.coarse;
  const end = Math.ceil(time / step) * step;
  const span = slotText(end, step, format);
  const average = series.coarse.at(end);
  const gap = average ? null : series.gapAt(end);
  if (gap) return `${span} · ${gapSentence(gap, language)}`;
  if (!average) return `${span} · ${words.text(end > series.newest ? "readout_open" : "readout_nothing")}`;
  const parts = [
    averageText(average, language),
    ...(average.unreliable ? [doubt(average, language)] : []),
    ...longSample(end, step, series, language),
  ];
  return `${span} · ${parts.join("; ")}`;
}
