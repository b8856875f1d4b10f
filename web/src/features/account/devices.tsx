// Where this account is signed in, and how to end that.
import { useCallback, useEffect, useState } from "react";

import { type Device, endAllDevices, endDevice, listDevices } from "../../api/account";
import { strings } from "../../strings";
import { messageOf } from "./messages";

const words = strings.account;

export function Devices() {
  const [devices, setDevices] = useState<readonly Device[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const fail = useCallback((error: unknown) => setProblem(messageOf(error)), []);
  const load = useCallback(() => listDevices().then(setDevices).catch(fail), [fail]);

  useEffect(() => void load(), [load]);

  const end = (device: Device) => endDevice(device.id).then(load).catch(fail);
  const endAll = () => endAllDevices().then(() => location.assign("/sign-in")).catch(fail);

  return (
    <section>
      <h2>{words.devices}</h2>
      {problem !== null && <p role="alert">{problem}</p>}
      <ul>
        {devices?.map((device) => (
          <li key={device.id}>
            <div>
              <strong>{device.device}</strong>
              <span className="quiet">
                {device.current ? words.thisDevice : words.lastSeen(device.seenAt)} · {device.address}
              </span>
            </div>
            {!device.current && (
              <button type="button" onClick={() => void end(device)}>
                {words.signOut}
              </button>
            )}
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => void endAll()}>
        {words.signOutEverywhere}
      </button>
    </section>
  );
}
