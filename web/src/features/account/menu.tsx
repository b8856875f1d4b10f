// In the header of every page: sign in, or who one is and the way out.
import { useEffect, useState } from "react";

import { getSession, type Session, signOut } from "../../api/account";
import { strings } from "../../strings";
import "./account.css";
import { messageOf } from "./messages";

export function AccountMenu() {
  const [session, setSession] = useState<Session | null | "unknown">("unknown");
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    getSession().then(setSession, () => setSession(null));
  }, []);

  if (session === "unknown") return null;
  const me = session?.account ?? null;
  if (me === null) {
    if (location.pathname === "/sign-in") return null;
    const next = location.pathname + location.search;
    return (
      <a className="sign-in-link" href={`/sign-in${next === "/" ? "" : `?next=${encodeURIComponent(next)}`}`}>
        {strings.account.signIn}
      </a>
    );
  }
  const leave = () => signOut().then(() => location.assign("/"), (error: unknown) => setProblem(messageOf(error)));
  return (
    <details className="account-menu">
      <summary aria-label={strings.account.menu(me.name)}>
        <span className="initial" aria-hidden="true">
          {[...me.name][0]?.toUpperCase()}
        </span>
      </summary>
      <div className="account-card">
        <strong>{me.name}</strong>
        <span className="quiet">{me.email}</span>
        <a href="/account">{strings.account.account}</a>
        <button type="button" onClick={() => void leave()}>
          {strings.account.signOut}
        </button>
        {problem !== null && <p role="alert">{problem}</p>}
      </div>
    </details>
  );
}
