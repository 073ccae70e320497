import type { components } from "./schema.d.ts";

/** Shapes of the node's HTTP interface, by the names this UI uses. */

type Schemas = components["schemas"];

export type DataRequest = Schemas["RequestView"];
export type HoldRow = Schemas["HoldView"];
export type NewHold = Schemas["NewHold"];
export type JobRow = Schemas["JobView"];
export type ScheduleRow = Schemas["ScheduleView"];
export type NodeHealth = Schemas["Components"];
export type Trends = Schemas["Trends"];
export type NoticeItem = Schemas["NoticeView"];
export type MailChoice = Schemas["MailChoiceView"];
export type WebhookRow = Schemas["WebhookView"];
export type DeliveryRow = Schemas["DeliveryView"];
export type Person = Schemas["UserView"];
export type SignedIn = Schemas["TokenView"];
export type Role = Person["role"];
export type DocumentRow = Schemas["DocumentView"];
export type DocumentStatus = DocumentRow["status"];
export type DocumentList = Schemas["DocumentPage"];
export type Fractions = Schemas["PassageView"]["boxes"][number];
/** As openapi-fetch gives it out: it widens a box of four to a list. */
export type Passage = Omit<Schemas["PassageView"], "boxes"> & { boxes: number[][] };
export type Uploaded = Schemas["Uploaded"];
export type AuditEntry = Schemas["EntryView"];
export type AuditList = Schemas["EntryPage"];
export type AuditProof = Schemas["ProofView"];
export type AnswerReceipt = Schemas["ReceiptView"];
export type Checkpoint = Schemas["HeadView"];
export type UserRow = Schemas["AdminUserView"];
export type Duty = Schemas["DutyView"]["duty"];
export type CreatedUser = Schemas["CreatedUserView"];
export type KioskRow = Schemas["KioskView"];
export type Factors = Schemas["FactorsView"];
export type Factor = Schemas["FactorView"];
export type FactorKind = Schemas["SecondFactor"]["kind"];
export type Proof = Schemas["StepUp"];
export type TotpOffer = Schemas["TotpOfferView"];
export type EnrolmentCode = Schemas["CodeView"];
export type Shelf = Schemas["ShelfView"];
export type ModelRow = Schemas["ModelView"];
export type ModelHistory = Schemas["HistoryView"];
export type Tier = ModelRow["tiers"][number];
export type ProviderRow = Schemas["ProviderView"];
export type ProviderRoute = Schemas["RouteView"];
export type ModelDefaults = Schemas["DefaultsView"];
export type ConversationRow = Schemas["ConversationView"];
export type ConversationWhole = Schemas["ConversationDetail"];
export type TeamRow = Schemas["TeamView"];
export type TeamWhole = Schemas["TeamDetail"];
export type TeamRole = Schemas["MemberView"]["team_role"];
export type ApprovalRow = Schemas["ApprovalView"];
export type PolicyPacks = Schemas["PolicyPacksView"];
export type PolicyPack = Schemas["PolicyPackView"];
export type PolicyPreview = Schemas["PolicyPreviewView"];
export type PolicyReach = Schemas["ReachView"];
export type ApiKeyRow = Schemas["ApiKeyView"];
export type ApiKeyMade = Schemas["ApiKeyMadeView"];
export type Limits = Schemas["LimitsView"];
export type Used = Schemas["UsedView"];
export type Spent = Schemas["SpentView"];
export type BudgetList = Schemas["Budgets"];
export type Violation = Schemas["ViolationView"];
export type ViolationPage = Schemas["ViolationPage"];
export type GuardSettings = Schemas["GuardSettingsView"];
export type SignInWays = Schemas["SignInView"];
export type PersonHere = Schemas["PersonAtKioskView"];
export type PolicyExplained = Schemas["ExplainedView"];

/*
 * What follows is not in the node's description: it is sent as events of a stream, or as plain JSON.
 */

export interface NodeFacts {
  name: string;
  version: string;
  languages: string[];
  demo: boolean;
  kiosk_idle_seconds: number;
}

/** A place in a document. `boxes` are fractions of the page, origin top left. */
export interface Citation {
  document_id: string;
  filename: string;
  title: string;
  revision: string | null;
  page: number | null;
  heading: string;
  quote: string;
  box: Fractions | null;
  boxes: Fractions[];
  passage_id: number;
  ordinal: number;
  level: number;
}

export interface Verdict {
  kind: "answer" | "perhaps" | "several" | "not-here" | "other-machine";
  text: string;
  confidence: number;
}

export interface Answer {
  answer: string;
  kind: "quoted" | "worded" | "card" | "none";
  citations: Citation[];
  nearest: Citation[];
  verdict: Verdict;
  served_by: string;
  grounded: boolean;
  ms_to_quotes: number;
  ms_total: number;
  conversation_id: string | null;
  message_id: string;
  classification: number;
  words: { available: boolean; seconds: number | null; by_itself: boolean };
  warnings: Schemas["WarningView"][];
  disclosure: string;
}

export type Length = Schemas["Wording"]["length"] & string;

/** A sentence that the documents say. `said_by` is their text, word for word; `citation` counts those of the answer. */
export interface SentenceEvent {
  text: string;
  citation: number;
  said_by: string[];
}

export interface WordedEvent {
  text: string;
  dropped: number;
  served_by: string;
  ms: number;
  warnings: Schemas["WarningView"][];
  /** `near`: a budget is nearly used. `light`: it is used up, and the light model wrote therefore. */
  budget: "" | "near" | "light";
}

export interface PassagesEvent {
  passages: Citation[];
  ms: number;
}
