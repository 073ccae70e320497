import type { Component } from "svelte";

import type { IconName } from "../parts/Icon.svelte";
import { words } from "../words/en.ts";
import ApprovalsPage from "./ApprovalsPage.svelte";
import AskPage from "./AskPage.svelte";
import AuditPage from "./AuditPage.svelte";
import DocumentsPage from "./DocumentsPage.svelte";
import GuardPage from "./GuardPage.svelte";
import HealthPage from "./HealthPage.svelte";
import HoldsPage from "./HoldsPage.svelte";
import JobsPage from "./JobsPage.svelte";
import ModelsPage from "./ModelsPage.svelte";
import PeoplePage from "./PeoplePage.svelte";
import PolicyPage from "./PolicyPage.svelte";
import SettingsPage from "./SettingsPage.svelte";
import TeamsPage from "./TeamsPage.svelte";
import UsagePage from "./UsagePage.svelte";

/** Who looks, as far as pages differ by it. */
export interface Viewer {
  admin: boolean;
  /** Reads the record, and does nothing else. */
  audits: boolean;
  /** Has the duty of a supervisor. */
  supervises: boolean;
  /** Is in a team, or sees all of them. */
  teams: boolean;
}

export interface ConsolePage {
  to: string;
  icon: IconName;
  name: string;
  page: Component;
  /** Whether it may be looked at; the box decides on every call all the same. */
  open: (viewer: Viewer) => boolean;
  /** Whether it stands in the navigation, where that is not the same. */
  shown?: (viewer: Viewer) => boolean;
}

const worker = (viewer: Viewer): boolean => !viewer.audits;
const admin = (viewer: Viewer): boolean => viewer.admin && !viewer.audits;

/** The pages of the console, in the order of the navigation. One more page is one more line. */
export const pages: ConsolePage[] = [
  { to: "/console/ask", icon: "ask", name: words.nav.ask, page: AskPage, open: worker },
  { to: "/console/documents", icon: "document", name: words.nav.documents, page: DocumentsPage, open: worker },
  { to: "/console/approvals", icon: "check", name: words.nav.approvals, page: ApprovalsPage, open: worker },
  { to: "/console/audit", icon: "record", name: words.nav.audit, page: AuditPage, open: () => true },
  { to: "/console/holds", icon: "shield", name: words.holds.title, page: HoldsPage, open: (viewer) => viewer.admin || viewer.audits, shown: () => false },
  { to: "/console/people", icon: "people", name: words.nav.people, page: PeoplePage, open: admin },
  { to: "/console/teams", icon: "team", name: words.nav.teams, page: TeamsPage, open: worker, shown: (viewer) => viewer.admin || viewer.teams },
  { to: "/console/models", icon: "edit", name: words.nav.models, page: ModelsPage, open: admin },
  { to: "/console/usage", icon: "chart", name: words.nav.usage, page: UsagePage, open: (viewer) => !viewer.audits && (viewer.admin || viewer.supervises) },
  { to: "/console/policy", icon: "shield", name: words.nav.policy, page: PolicyPage, open: admin },
  { to: "/console/guard", icon: "eye", name: words.nav.guard, page: GuardPage, open: (viewer) => viewer.admin || viewer.audits },
  { to: "/console/health", icon: "pulse", name: words.nav.health, page: HealthPage, open: admin },
  { to: "/console/jobs", icon: "clock", name: words.nav.jobs, page: JobsPage, open: admin },
  { to: "/console/settings", icon: "settings", name: words.nav.settings, page: SettingsPage, open: admin },
];
