// What a player's error means for people. Pure.
// Numbers: shaka.util.Error.Code and .Category of Shaka Player 5; MediaError.code of the HTML standard.
import type { Failure } from "./state";

interface ShakaError {
  code: number;
  category: number;
  data: readonly unknown[];
}

const NETWORK = 1;
const MEDIA = 3;
const MANIFEST = 4;
const BAD_HTTP_STATUS = 1001;
const UNREACHABLE = new Set([1002, 1003, 1010]); // HTTP_ERROR, TIMEOUT, ATTEMPTS_EXHAUSTED
const UNSUPPORTED = new Set([3018, 4032]); // TRANSMUXING_FAILED, CONTENT_UNSUPPORTED_BY_BROWSER
const INTERRUPTED = new Set([7000, 7001]); // LOAD_INTERRUPTED, OPERATION_ABORTED: we did that ourselves

/** null: nothing went wrong, an operation was given up on purpose. */
export function explain(error: unknown): Failure | null {
  if (isShakaError(error)) return explainShaka(error);
  if (error instanceof DOMException && error.name === "NotAllowedError") return { cause: "blocked", code: error.name };
  if (error instanceof DOMException && error.name === "AbortError") return null;
  return { cause: "unknown", code: error instanceof Error ? error.name : String(error) };
}

function explainShaka(error: ShakaError): Failure | null {
  if (INTERRUPTED.has(error.code)) return null;
  const code = String(error.code);
  if (UNSUPPORTED.has(error.code)) return { cause: "unsupported", code };
  if (error.code === BAD_HTTP_STATUS) return explainStatus(Number(error.data[1]), code);
  if (UNREACHABLE.has(error.code) || error.category === NETWORK) return { cause: "offline", code };
  if (error.category === MEDIA || error.category === MANIFEST) return { cause: "damaged", code };
  return { cause: "unknown", code };
}

function explainStatus(status: number, code: string): Failure {
  const said = `${code}/${status}`;
  if (status === 401 || status === 403) return { cause: "refused", code: said };
  if (status === 404 || status === 410) return { cause: "missing", code: said };
  return { cause: "busy", code: said };
}

function isShakaError(error: unknown): error is ShakaError {
  return (
    typeof error === "object" &&
    error !== null &&
    "category" in error &&
    typeof error.category === "number" &&
    "code" in error &&
    typeof error.code === "number" &&
    "data" in error &&
    Array.isArray(error.data)
  );
}
