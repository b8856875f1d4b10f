// /sign-in: by e-mail address and password, or by a provider.
import { type FormEvent, useEffect, useState } from "react";

import { signIn, type WaysIn, waysIn } from "../../api/account";
import { strings } from "../../strings";
import "./account.css";
import { arrivalMessage, credentialsMessage, messageOf, safeNext } from "./messages";

const words = strings.account;

export function SignInPage() {
  const query = new URLSearchParams(location.search);
  const next = safeNext(query.get("next"));
  const reason = query.get("problem");
  const [ways, setWays] = useState<WaysIn | null>(null);
  const [problem, setProblem] = useState<string | null>(reason === null ? null : arrivalMessage(reason));

  useEffect(() => {
    waysIn().then(setWays, (error: unknown) => setProblem(messageOf(error)));
  }, []);

  return (
    <main className="account-page narrow">
      <h1>{words.signIn}</h1>
      {problem !== null && <p role="alert">{problem}</p>}
      {ways?.providers.map((provider) => (
        <a key={provider.name} className="provider" href={`${provider.startUrl}?next=${encodeURIComponent(next)}`}>
          {words.continueWith(provider.label)}
        </a>
      ))}
      {ways?.passwords === true && ways.providers.length > 0 && <p className="or">{words.or}</p>}
      {ways?.passwords === true && <PasswordForm next={next} tell={setProblem} />}
      {ways?.passwords === false && <p className="quiet">{words.noPasswords}</p>}
    </main>
  );
}

function PasswordForm({ next, tell }: { next: string; tell: (problem: string | null) => void }) {
  const [busy, setBusy] = useState(false);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    tell(null);
    signIn(String(form.get("email")), String(form.get("password"))).then(
      () => location.assign(next),
      (error: unknown) => {
        tell(credentialsMessage(error));
        setBusy(false);
      },
    );
  };

  return (
    <form onSubmit={submit}>
      <label>
        {words.email}
        <input name="email" type="email" autoComplete="username" required maxLength={254} />
      </label>
      <label>
        {words.password}
        <input name="password" type="password" autoComplete="current-password" required maxLength={256} />
      </label>
      <button type="submit" className="action" disabled={busy}>
        {busy ? words.signingIn : words.signIn}
      </button>
    </form>
  );
}
