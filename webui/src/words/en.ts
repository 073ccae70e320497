import * as answer from "./en/answer.ts";
import * as audit from "./en/audit.ts";
import * as documents from "./en/documents.ts";
import * as frame from "./en/frame.ts";
import * as guard from "./en/guard.ts";
import * as health from "./en/health.ts";
import * as holds from "./en/holds.ts";
import * as jobs from "./en/jobs.ts";
import * as kiosk from "./en/kiosk.ts";
import * as models from "./en/models.ts";
import * as news from "./en/news.ts";
import * as ownData from "./en/ownData.ts";
import * as people from "./en/people.ts";
import * as policy from "./en/policy.ts";
import * as settings from "./en/settings.ts";
import * as signIn from "./en/signIn.ts";
import * as usage from "./en/usage.ts";

/** Every word the screens say, in English, by area. Another language is another module of this shape. */
export const words = { ...answer, ...audit, ...documents, ...frame, ...guard, ...health, ...holds, ...jobs, ...kiosk, ...models, ...news, ...ownData, ...people, ...policy, ...settings, ...signIn, ...usage };

export type Words = typeof words;
