// /account: one's own devices, password and API tokens.
import { useEffect, useState } from "react";

import { getSession, type Session } from "../../api/account";
import { strings } from "../../strings";
import "./account.css";
import { Devices } from "./devices";
import { messageOf } from "./messages";
import { PasswordChange } from "./password";
import { Tokens } from "./tokens";

const words = strings.account;

export function AccountPage() {
  const [session, setSession] = useState<Session | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    getSession().then(
      (found) => (found.account === null ? location.replace("/sign-in?next=%2Faccount") : setSession(found)),
      (error: unknown) => setProblem(messageOf(error)),
    );
  }, []);

  const me = session?.account ?? null;
  return (
    <main className="account-page">
      <h1>{words.account}</h1>
      {problem !== null && <p role="alert">{problem}</p>}
      {session !== null && me !== null && (
        <>
          <p className="whoami">
            <strong>{me.name}</strong>
            <span className="quiet">{me.email}</span>
            <span className="quiet">{me.roles.map((role) => words.roles[role as keyof typeof words.roles] ?? role).join(", ")}</span>
          </p>
          <Devices />
          <PasswordChange email={me.email} />
          <Tokens permissions={session.permissions} />
        </>
      )}
    </main>
  );
}
