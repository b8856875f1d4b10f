import { expect, it } from "vitest";

import { route } from "./route";

it.each([
  ["/", "discover"],
  ["/watch/k3v9m2qx7ahd", "watch"],
  ["/watch/k3v9m2qx7ahd/", "watch"],
  ["/watch/../etc", "unknown"],
  ["/watch/UPPERCASE123", "unknown"],
  ["/sign-in", "sign-in"],
  ["/account", "account"],
  ["/studio", "unknown"],
])("route(%s)", (path, page) => expect(route(path).page).toBe(page));
