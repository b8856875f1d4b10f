// API tokens for one's scripts: made here, shown once, revoked.
import { type FormEvent, useCallback, useEffect, useState } from "react";

import { type ApiToken, createToken, listTokens, revokeToken } from "../../api/account";
import { strings } from "../../strings";
import { messageOf } from "./messages";

const words = strings.account;

export function Tokens({ permissions }: { permissions: readonly string[] }) {
  const [tokens, setTokens] = useState<readonly ApiToken[] | null>(null);
  const [made, setMade] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const fail = useCallback((error: unknown) => setProblem(messageOf(error)), []);
  const load = useCallback(() => listTokens().then(setTokens).catch(fail), [fail]);

  useEffect(() => void load(), [load]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const target = event.currentTarget;
    const form = new FormData(target);
    setProblem(null);
    createToken(String(form.get("name")), form.getAll("scope").map(String))
      .then((text) => {
        target.reset();
        setMade(text);
        return load();
      })
      .catch(fail);
  };

  return (
    <section>
      <h2>{words.tokens}</h2>
      <p className="quiet">{words.tokensHint}</p>
      {problem !== null && <p role="alert">{problem}</p>}
      {made !== null && (
        <p role="status">
          {words.tokenMade}
          <code>{made}</code>
        </p>
      )}
      <ul>
        {tokens?.map((token) => (
          <li key={token.id}>
            <div>
              <strong>{token.name}</strong>
              <span className="quiet">
                {token.scopes.map(scopeName).join(", ")} · {token.usedAt === null ? words.neverUsed : words.lastSeen(token.usedAt)}
              </span>
            </div>
            <button type="button" onClick={() => void revokeToken(token.id).then(load).catch(fail)}>
              {words.revoke}
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={submit}>
        <label>
          {words.tokenName}
          <input name="name" required maxLength={200} />
        </label>
        <fieldset>
          <legend>{words.tokenScopes}</legend>
          {permissions.map((permission, index) => (
            <label key={permission} className="check">
              <input type="checkbox" name="scope" value={permission} defaultChecked={index === 0} />
              {scopeName(permission)}
            </label>
          ))}
        </fieldset>
        <button type="submit">{words.createToken}</button>
      </form>
    </section>
  );
}

function scopeName(scope: string): string {
  const known: Record<string, string> = words.scopes;
  return known[scope] ?? scope;
}
