// A new password. Every other device is signed out.
import { type FormEvent, useState } from "react";

import { changePassword } from "../../api/account";
import { strings } from "../../strings";
import { credentialsMessage } from "./messages";

const words = strings.account;
const SHORTEST = 10;

export function PasswordChange({ email }: { email: string }) {
  const [said, setSaid] = useState<{ text: string; alarm: boolean } | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const target = event.currentTarget;
    const form = new FormData(target);
    setBusy(true);
    setSaid(null);
    changePassword(String(form.get("current")), String(form.get("new")))
      .then(
        () => {
          target.reset();
          setSaid({ text: words.passwordChanged, alarm: false });
        },
        (error: unknown) => setSaid({ text: credentialsMessage(error), alarm: true }),
      )
      .finally(() => setBusy(false));
  };

  return (
    <section>
      <h2>{words.changePassword}</h2>
      {said !== null && <p role={said.alarm ? "alert" : "status"}>{said.text}</p>}
      <form onSubmit={submit}>
        <input type="hidden" name="username" autoComplete="username" value={email} />
        <label>
          {words.currentPassword}
          <input name="current" type="password" autoComplete="current-password" required maxLength={256} />
        </label>
        <label>
          {words.newPassword}
          <input name="new" type="password" autoComplete="new-password" required minLength={SHORTEST} maxLength={256} />
        </label>
        <button type="submit" disabled={busy}>
          {words.changePassword}
        </button>
      </form>
    </section>
  );
}
