// Calls to the sandbox. Every call has a timeout, and an error has a message.

const limit = 20000;

export class Refused extends Error {
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

async function call(path, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), limit);
  try {
    const res = await fetch(path, { ...options, signal: stop.signal, cache: "no-store", credentials: "omit" });
    const body = await res.json().catch(() => null);
    if (!res.ok) throw new Refused(body?.error || "http", body?.message || `The sandbox answered ${res.status}.`,
      res.status);
    return body;
  } catch (err) {
    if (err instanceof Refused) throw err;
    throw new Refused("gone", "The sandbox does not respond. Is it still running?", 0);
  } finally {
    clearTimeout(timer);
  }
}

export const get = (path, query) => call(query ? `${path}?${new URLSearchParams(query)}` : path, {});

export const post = (path, body) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
