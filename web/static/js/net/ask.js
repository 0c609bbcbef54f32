/** Asks the service. Alone knows how an answer fails. */

/** The service refuses or cannot answer; `status` is that of HTTP, and the message what it says of it. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} address
 * @param {AbortSignal} [signal]
 */
export async function fetchJson(address, signal) {
  const response = await fetch(address, { cache: "no-cache", ...(signal && { signal }) });
  if (response.ok) return response.json();
  const { error = "" } = await response.json().catch(() => ({}));
  throw new Refusal(response.status, error);
}
