/** Shapes of the node's HTTP interface, as this UI reads them. */

export type Role = "viewer" | "operator" | "admin";
export type Fractions = [x0: number, y0: number, x1: number, y1: number];

export interface Person {
  id: string;
  username: string;
  display_name: string;
  role: Role;
  clearance: number;
  tenant: string;
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

export interface SignedIn extends Tokens {
  user: Person;
}

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
  kind: "answer" | "several" | "not-here" | "other-machine";
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
}

export interface PassagesEvent {
  passages: Citation[];
  ms: number;
}

export interface Passage {
  passage_id?: number;
  ordinal: number;
  kind: string;
  heading: string;
  page: number | null;
  text: string;
  boxes: Fractions[];
}

export type DocumentStatus = "pending" | "processing" | "ready" | "failed";

export interface DocumentRow {
  id: string;
  filename: string;
  title: string | null;
  revision: string | null;
  doc_type: string | null;
  classification: string;
  level: number;
  status: DocumentStatus;
  progress: number | null;
  reason: string | null;
  passages: number;
  pages: number | null;
  in_force: boolean;
  assets: string[];
  tags: string[];
  updated_at: string;
}

export interface DocumentDetail extends DocumentRow {
  size_bytes: number | null;
  metadata: Record<string, unknown>;
  chunks: Passage[];
}

export interface Uploaded {
  document_id: string;
  status: string;
  job_id: string;
}

export interface Listing<Item> {
  items: Item[];
  next_page_token: string | null;
}

export interface AuditEntry {
  log: string;
  seq: number;
  hash: string;
  record: Record<string, unknown>;
}

export interface Checkpoint {
  log: string;
  size: number;
  root: string;
  signed_note: string;
  last_witnessed: string | null;
}

export interface UserRow {
  id: string;
  username: string;
  display_name: string;
  role: Role;
  clearance: number;
  is_active: boolean;
  locked_until: string | null;
  last_login: string | null;
}

export interface CreatedUser extends UserRow {
  /** Shown once, where the node made it. */
  password: string | null;
}

export interface KioskRow {
  id: string;
  name: string;
  clearance: number;
  is_active: boolean;
  created_at: string;
  last_seen: string | null;
}

export interface EnrolmentCode {
  code: string;
  expires_at: string;
}
