/** The sentences of the list of what happened. Pure. */

import { toldGaps } from "../model/gaps.js";
import { gapSentence } from "./sentences.js";

/**
 * "The clock was set back by 40 s at 15:03"
 * @type {Sentence<ClockStep>}
 */
export function clockStepSentence({ time, seconds }, { words, format }) {
  const duration = format.duration(Math.round(Math.abs(seconds)));
  return words.text(seconds < 0 ? "clock_back" : "clock_forward", { duration, time: format.when(time) });
}

/** @param {string} sentence */
const capitalised = (sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1);

/**
 * "Busy 07:46–07:55, 9 min: 97 % on average, up to 100 %, mostly programs, all cores"
 * @type {Sentence<Busy>}
 */
function busySentence({ from, to, mean, max, mode, cores }, { words, format }) {
  const values = { span: format.span(from, to), duration: format.duration(to - from), mean: format.whole(mean), max: format.whole(max) };
  const parts = [words.text("busy_span", values), words.text(`busy_${mode}`), ...(cores ? [words.text(`busy_${cores}`)] : [])];
  return parts.join(", ");
}

/**
 * @param {Gap[]} gaps
 * @param {Language} language
 * @returns {Remark[]}
 */
function furtherGaps(gaps, { words, format }) {
  if (gaps.length === 0) return [];
  const duration = format.duration(gaps.reduce((sum, { from, to, seconds }) => sum + (seconds ?? to - from), 0));
  const count = gaps.reduce((sum, gap) => sum + (gap.count ?? 1), 0);
  return [{ at: Infinity, sentence: words.plural("gaps_further", count, { duration }), attributes: { "data-further": count } }];
}

/**
 * What the list of what happened tells, by time.
 * @type {Sentence<Pick<Frame, "gaps" | "clockSteps" | "unreliable" | "busy"> & {visible?: number}, Remark[]>} `visible`: as of toldGaps
 */
export function remarks({ gaps, clockSteps, unreliable, busy = [], visible = Infinity }, language) {
  const { words, format } = language;
  const [told, further] = toldGaps(gaps, visible);
  const all = [
    ...furtherGaps(further, language),
    ...busy.map((stretch) => {
      const { from, to } = stretch;
      return { at: from, sentence: busySentence(stretch, language), attributes: { "data-busy": from }, jump: { from, to } };
    }),
    ...told.map((gap) => {
      const { from, to, cause, isOpen } = gap;
      const attributes = { "data-cause": cause, "data-from": from, "data-to": isOpen ? "" : to };
      return { at: from, sentence: capitalised(gapSentence(gap, language)), attributes, cause, jump: { from, to } };
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
