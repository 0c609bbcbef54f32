/** Whom the reader chose out of the list, as the address names it. Pure. */

/** The two views of who used the CPU: by unit (services, containers, sessions) and by process. */
export const VIEWS = /** @type {const} */ (["unit", "process"]);

const WRITTEN = /^(?:unit|process:(\d+)):(.+)$/s;

/**
 * A unit by its name, a process by pid and name as well: another one may get its pid, and exec gives it another name.
 * @param {string} text `unit:nginx.service`, `process:4121:ffmpeg`
 * @returns {Culprit | null} null where nobody is named
 */
export function parseCulprit(text) {
  const [, pid, name] = WRITTEN.exec(text) ?? [];
  if (!name) return null;
  return pid ? { by: "process", name, pid: Number(pid) } : { by: "unit", name };
}

/** @param {Culprit} culprit */
export function culpritText({ by, name, pid }) {
  return by === "process" ? `process:${pid}:${name}` : `unit:${name}`;
}
