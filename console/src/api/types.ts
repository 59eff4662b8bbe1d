// SPDX-License-Identifier: Apache-2.0
//
// Generated from docs/api/openapi.yaml by `npm run types`. Do not edit.

export type ImportOptions = { files?: (string)[]; upload?: string; format?: "csv" | "json" | "parquet"; map?: (string)[]; types?: (string)[]; time_format?: string; timezone?: string; delimiter?: string; header?: boolean; sql?: string; source?: string; identify_rows?: boolean; strict?: boolean };
export type Schema = { data_version: number; timezone: string; week_start: "monday" | "sunday"; first_day?: string; last_day?: string; events: ({ name: string; count: number })[]; properties: ({ name: string; types: ("text" | "number" | "big_number" | "boolean" | "list" | "json")[] })[]; sampled: boolean };
export type Upload = { upload: string; name: string; bytes: number; expires_at: string };
export type ImportPreview = { format: "csv" | "json" | "parquet"; delimiter?: string; header?: boolean; event?: string; timezone: string; columns: ({ name: string; role: "person" | "anonymous_id" | "event" | "time" | "received_at" | "message_id" | "channel" | "property" | "ignore"; property?: string; type: "text" | "number" | "boolean"; samples: (string)[] })[]; remarks: (string)[]; rows: ({ line: number; time: string; event: string; user_id?: string; anonymous_id?: string; message_id?: string; channel?: string; properties: { [name: string]: unknown } })[]; rejects: ({ line: number; column?: number; reason: string; message: string; text: string })[]; rows_read: number; rows_rejected: number; problem?: { reason: string; detail: string } };
export type Import = { import: number; state: "unfinished" | "done" | "undone"; files: ({ name: string; bytes: number })[]; source: string; started_at: string; finished_at?: string; rows: number; events: number; duplicates: number; rejected: number; has_rejects: boolean };
export type ImportJob = { job: number; state: "waiting" | "running" | "done" | "failed" | "cancelled"; files: (string)[]; asked_at: string; ended_at?: string; seconds: number; progress: { phase: "reading" | "importing" | "finishing"; bytes_done: number; bytes_total: number; rows: number; rejected: number }; outcome?: { import?: number; nothing_new?: boolean; resumed?: boolean; resumed_at_row?: number; skipped_files?: (string)[]; events?: number; duplicates?: number; rejected?: number; times_ahead?: number; big_numbers?: number; persons_new?: number; cells_kept_as_text?: number; rows?: number; reject_file?: string }; error?: { status: number; reason: string; detail: string } };
export type Problem = { type: "about:blank"; title: string; status: number; reason: string; detail: string; pointer?: string; request_id: string };
export type Readiness = { ready: boolean; writable: boolean };
export type Id = string | number;
export type Time = string;
export type Values = { [name: string]: unknown };
export type Context = { historical?: boolean; channel?: string; [name: string]: unknown };
export type Call = { userId?: Id; anonymousId?: Id; messageId?: string; originalTimestamp?: Time; timestamp?: Time; sentAt?: Time; channel?: string; context?: Context; integrations?: Record<string, unknown>; writeKey?: string };
export type Identify = (Call) & ({ traits?: Values });
export type Track = (Call) & ({ event: string; properties?: Values });
export type Page = (Call) & ({ name?: string; category?: string; properties?: Values });
export type Group = (Call) & ({ groupId?: Id; traits?: Values });
export type Alias = (Call) & ({ previousId?: Id });
export type Batch = { batch: (((({ type?: "identify" }) & (Identify)) | (({ type?: "track" }) & (Track)) | (({ type?: "page" | "screen" }) & (Page)) | (({ type?: "group" }) & (Group)) | (({ type?: "alias" }) & (Alias))) & { type: "identify" | "track" | "page" | "screen" | "group" | "alias" })[]; context?: Context; sentAt?: Time; writeKey?: string; [name: string]: unknown };
export type BatchAnswer = { success: true; refused_count?: number; refused?: ({ index: number; reason: string })[] };
export type Question = { metric: "retention" | "lifecycle" | "stickiness" | "trend"; [name: string]: unknown };
export type Answer = { metric: string; definition: string; as_of: string; timezone: string; data_version: number; exact: boolean; events_scanned?: number; persons_scanned?: number; elapsed_ms?: number; warnings: ({ code: string; message: string })[]; [name: string]: unknown };
export type Rejects = { rejects: ({ id: number; received_at: string; source: string; reason: string; message: string; text: string })[]; next_before?: number; kept: ({ source: string; reason: string; count: number })[]; ever: ({ source: string; count: number })[] };
export type SourceName = string;
export type Source = { name: SourceName; created_at: string; enabled: boolean };
export type NewKey = { kind: "write" | "read" | "admin"; source?: string; label?: string; expires_at?: string };
export type Key = { id: number; kind: "write" | "read" | "admin"; source?: SourceName; label?: string; hint: string; created_at: string; expires_at?: string; revoked_at?: string; last_used_at?: string };
export type CreatedKey = (Key) & ({ key?: string; replayed?: true });
export type Credentials = { name: string; password: string };
export type NewOwner = { token: string; name: string; password: string };
export type Session = { signed_in: boolean; name?: string; role?: "owner"; csrf?: string; owner_exists: boolean; may_read: boolean; may_create_owner: boolean };
export type SchemaValuesAnswer = { values: ({ value: string; count: number })[]; more: boolean };
export type ListSourcesAnswer = { sources: (Source)[] };
export type AddSourceBody = { name: SourceName };
export type SwitchSourceBody = { enabled: boolean };
export type ListKeysAnswer = { keys: (Key)[] };
export type ListImportsAnswer = { imports: (Import)[] };
export type ListImportJobsAnswer = { jobs: (ImportJob)[] };
export type RunCommandBody = { arguments: (string)[] };
export type RunCommandAnswer = { exit: number; out: string; err: string };
export type AppendLinesAnswer = { answers: string; rejected: number };
