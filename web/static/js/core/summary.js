/** The page's sentences about the hour: summaries, gap labels, readouts. Pure. */

import { coveredFrom, longSamples } from "./coverage.js";

/**
 * @param {Percent[]} values
 * @param {number[]} weights of the values in their mean: the time that each covers; 0 leaves one out
 * @returns null without any value
 */
export function extremes(values, weights) {
  let [sum, total, peakIndex, lowest] = [0, 0, -1, Infinity];
  values.forEach((value, i) => {
    const weight = /** @type {number} */ (weights[i]);
    if (value === null || weight <= 0) return;
    sum += value * weight;
    total += weight;
    lowest = Math.min(lowest, value);
    if (peakIndex < 0 || value > /** @type {number} */ (values[peakIndex])) peakIndex = i;
  });
  if (total === 0) return null;
  return { mean: sum / total, peak: /** @type {number} */ (values[peakIndex]), peakIndex, lowest };
}

/**
 * @param {Gap[]} gaps
 * @param {number} from start of the picture; what lies before it does not count
 * @param {Language} language
 */
function interruptions(gaps, from, { words, format }) {
  if (gaps.length === 0) return words.text("summary_no_gaps");
  const missing = gaps.reduce((sum, gap) => sum + gap.to - Math.max(gap.from, from), 0);
  return words.plural("summary_gaps", gaps.length, { duration: format.duration(missing) });
}

/**
 * The mean is that of the recorded time in the picture: a sample after a stall stands for all of it.
 * @param {Hour} hour
 * @param {Frame} frame
 * @param {Language} language
 */
export function samplesSummary(hour, frame, { words, format }) {
  const [times, cpu] = hour.samples(frame.to);
  const long = longSamples(hour, frame.to);
  const seconds = times.map((time) => time - Math.max(frame.from, coveredFrom(time, hour.cpu.step, long)));
  const found = extremes(cpu, seconds);
  if (!found) return words.text("summary_empty");
  const at = format.time(/** @type {number} */ (times[found.peakIndex]));
  const figures = words.text("summary_samples", { mean: format.whole(found.mean), peak: format.whole(found.peak), at });
  return `${figures} ${interruptions(frame.gaps, frame.from, { words, format })}`;
}

/**
 * @param {number} end of the minute
 * @param {Format} format
 */
function minuteSpan(end, format) {
  return format.minutes(end - 60, end);
}

/**
 * @param {Hour} hour
 * @param {Frame} frame
 * @param {Language} language
 */
export function minutesSummary(hour, frame, { words, format }) {
  const [times, , , , cpu] = hour.minutes(frame.to);
  const found = extremes(cpu, times.map((time) => time - frame.from));
  if (!found) return words.text("summary_minutes_empty");
  const busiest = /** @type {number} */ (times[found.peakIndex]);
  const from = coveredFrom(busiest, hour.perMinute.step, longSamples(hour, frame.to));
  const isLong = busiest - from > hour.perMinute.step;
  return words.text(isLong ? "summary_minutes_long" : "summary_minutes", {
    span: isLong ? format.span(from, busiest) : minuteSpan(busiest, format),
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
  const when = { span: format.span(gap.from, gap.to), duration: format.duration(gap.to - gap.from) };
  const told = gap.isOpen ? since(gap, { words, format }) : words.text("gap_when", when);
  const sentence = `${causeText("cause", gap, words)} ${told}`;
  return gap.cpu === null ? sentence : `${sentence}; ${words.text("gap_mean", { cpu: format.whole(gap.cpu) })}`;
}

/**
 * "The clock was set back by 40 s at 15:03"
 * @type {Sentence<ClockStep>}
 */
export function clockStepSentence({ time, seconds }, { words, format }) {
  const duration = format.duration(Math.round(Math.abs(seconds)));
  return words.text(seconds < 0 ? "clock_back" : "clock_forward", { duration, time: format.minute(time) });
}

/** @param {string} sentence */
const capitalised = (sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1);

/**
 * What the list of interruptions tells, by time.
 * @type {Sentence<Pick<Frame, "gaps" | "clockSteps" | "unreliable">, Remark[]>}
 */
export function remarks({ gaps, clockSteps, unreliable }, language) {
  const { words, format } = language;
  const all = [
    ...gaps.map((gap) => {
      const { from, to, cause, isOpen } = gap;
      const attributes = { "data-cause": cause, "data-from": from, "data-to": isOpen ? "" : to };
      return { at: from, sentence: capitalised(gapSentence(gap, language)), attributes, cause };
    }),
    ...clockSteps.map((step) => {
      const attributes = { "data-clock-step": step.time, "data-seconds": step.seconds };
      return { at: step.time, sentence: clockStepSentence(step, language), attributes };
    }),
    ...unreliable.map(({ from, to }) => {
      const sentence = words.text("unreliable_span", { span: from % 60 || to % 60 ? format.span(from, to) : format.minutes(from, to) });
      return { at: from, sentence, attributes: { "data-unreliable-from": from, "data-unreliable-to": to } };
    }),
  ];
  return all.sort((a, b) => a.at - b.at);
}

/**
 * What a gap may say, as in Labels.
 * @type {Sentence<Gap, string[][]>}
 */
export function gapLabels(gap, language) {
  const { words, format } = language;
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
 * @param {Hour} hour
 * @param {Language} language
 */
function longSample(end, step, hour, { words, format }) {
  const touching = longSamples(hour).filter(({ from, to }) => from < end && to > end - step);
  const long = touching.find(({ from, to }) => from < end - step || to > end);
  return long ? [words.text("readout_long", { span: format.span(long.from, long.to) })] : [];
}

/** @type {Readout} */
export function sampleReadout(time, hour, language) {
  const { words, format } = language;
  const cpu = hour.cpu.at(time);
  const gap = cpu === null ? hour.gapAt(time) : null;
  if (gap) return `${format.time(time)} · ${gapSentence(gap, language)}`;
  const parts = [
    cpu === null ? words.text("readout_nothing") : format.percent(cpu),
    ...(hour.doubtful().has(time) ? [words.text("unreliable")] : []),
    ...longSample(time, hour.cpu.step, hour, language),
  ];
  return `${format.time(time)} · ${parts.join("; ")}`;
}

/** @type {Sentence<Minute>} */
function doubt({ accounted }, { words, format }) {
  if (typeof accounted !== "number") return words.text("unreliable");
  return words.text("unreliable_share", { share: format.whole(100 * accounted) });
}

/**
 * Of the minute that covers the time.
 * @type {Readout}
 */
export function minuteReadout(time, hour, language) {
  const { words, format } = language;
  const end = Math.ceil(time / 60) * 60;
  const span = minuteSpan(end, format);
  const minute = hour.perMinute.at(end);
  const gap = minute ? null : hour.gapAt(end);
  if (gap) return `${span} · ${gapSentence(gap, language)}`;
  if (!minute) return `${span} · ${words.text(end > hour.newest ? "readout_open" : "readout_nothing")}`;
  const [min, max] = [format.whole(minute.min), format.whole(minute.max)];
  const parts = [
    words.plural("readout_minute", minute.count, { cpu: format.percent(minute.cpu), min, max }),
    ...(minute.unreliable ? [doubt(minute, language)] : []),
    ...longSample(end, hour.perMinute.step, hour, language),
  ];
  return `${span} · ${parts.join("; ")}`;
}
