// What people read when something about their account did not work. Pure: error or reason in, sentence out.
import { Problem } from "../../api/account";
import { ApiError } from "../../api/assets";
import { strings } from "../../strings";

const words = strings.account.problems;

/** For an error of a call. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) return words.failed;
  if (error.status === 0) return words.offline;
  if (!(error instanceof Problem)) return words.failed;
  switch (error.code) {
    case "unauthorized":
      return words.signedOut;
    case "too-many-tries":
      return wait(error.retryAfterS ?? 60);
    case "forbidden":
      return words.forbidden;
    case "unavailable":
      return words.unavailable;
    case "invalid-input":
    case "conflict":
    case "not-found":
      return capital(error.detail);
    default:
      return words.failed;
  }
}

/** For signing in and for the present password, where "unauthorized" means: wrong. */
export function credentialsMessage(error: unknown): string {
  if (error instanceof Problem && error.code === "unauthorized") return words.wrong;
  return messageOf(error);
}

/** For `?problem=` on the way back from a provider. */
export function arrivalMessage(reason: string): string {
  const known: Record<string, string> = words.arrival;
  return (Object.hasOwn(known, reason) ? known[reason] : undefined) ?? words.arrival.failed;
}

/** `next` as a path of ours, or home. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(next) ? next : "/";
}

function wait(seconds: number): string {
  return seconds < 90 ? words.waitSeconds(Math.ceil(seconds)) : words.waitMinutes(Math.ceil(seconds / 60));
}

/** The server names the field first: "password: expected …". */
function capital(detail: string): string {
  const sentence = detail.replace(/^(body\.)?[a-z_]+: /, "");
  return sentence.charAt(0).toUpperCase() + sentence.slice(1) + (/[.!?]$/.test(sentence) ? "" : ".");
}
