import type { Kind } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'
import type { Entry } from '../registry/entry.ts'
import type { Run } from '../registry/tree.ts'
import type { Page } from '../rest/read.ts'

/** Builds tables: the columns of a kind and the cells of its objects. */
export interface Tables {
  /** A whole meta.k8s.io Table. `include` says how much of each object its row carries. */
  table(
    kind: Kind,
    objects: readonly KubeObject[],
    options: { include: 'None' | 'Metadata' | 'Object'; version: string; metadata: unknown; headers: boolean },
  ): unknown
}

const comma = Buffer.from(',')
const open = Buffer.from('{')

/** Where an item begins behind its kind and apiVersion: within a list of a built-in kind items carry neither. */
const skipOf = (kind: Kind): number => (kind.custom ? 0 : `{"kind":"${kind.kind}","apiVersion":"${kind.apiVersion}",`.length)

const itemParts = (entries: readonly Entry[], from: number, to: number, skip: number): Buffer[] => {
  const parts: Buffer[] = []
  for (let at = from; at < to; at++) {
    if (at > from) parts.push(comma)
    const { bytes } = entries[at] as Entry
    if (skip > 0) parts.push(open)
    parts.push(bytes.subarray(skip, bytes.length - 1))
  }
  return parts
}

/** Above this size of an entry joining saves no time worth its memory. */
const largeEntryBytes = 8 * 1024

/** A run's entries with commas between them. A whole leaf of small entries is joined, at most once a leaf. */
const runParts = ({ leaf, from, to }: Run, skip: number): readonly Buffer[] => {
  if (leaf.joined && from === 0 && to === leaf.entries.length) return [leaf.joined]
  const parts = itemParts(leaf.entries, from, to, skip)
  let length = 0
  for (const part of parts) length += part.length
  if (length > (to - from) * largeEntryBytes) return parts
  const whole = Buffer.concat(parts, length)
  if (from === 0 && to === leaf.entries.length) leaf.joined = whole
  return [whole]
}

/** A list without its items. Custom kinds' are maps in Go, which are written in their keys' order. */
const listShell = (page: Page): { readonly head: string; readonly tail: string } => {
  if (!page.kind.custom) return { head: listHead(page), tail: ']}' }
  const { listKind, apiVersion } = page.kind
  const metadata = {
    continue: page.continue ?? '',
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
    ...versionOf(page),
  }
  return {
    head: `{"apiVersion":${JSON.stringify(apiVersion)},"items":[`,
    tail: `],"kind":${JSON.stringify(listKind)},"metadata":${JSON.stringify(metadata)}}`,
  }
}

/** The list as a value, around items that are wire JSON. */
/** What is stored nowhere has no version. */
export const versionOf = ({ revision }: Page): { readonly resourceVersion?: string } =>
  revision > 0 ? { resourceVersion: String(revision) } : {}

export const listAround = (page: Page, items: readonly unknown[]): unknown => {
  const { head, tail } = listShell(page)
  return { ...(JSON.parse(head + tail) as object), items }
}

const listHead = (page: Page): string => {
  const metadata = {
    ...versionOf(page),
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remaining ? { remainingItemCount: page.remaining } : {}),
  }
  return `{"kind":"${page.kind.listKind}","apiVersion":"${page.kind.apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`
}

/** A list's wire form: head, the cached bytes of leaves, tail. Nothing is copied where whole leaves serve. */
export const listParts = (page: Page): Buffer[] => {
  const { head, tail } = listShell(page)
  const parts: Buffer[] = [Buffer.from(head)]
  const skip = skipOf(page.kind)
  if (page.runs) {
    for (const [index, run] of page.runs.entries()) {
      if (index > 0) parts.push(comma)
      parts.push(...runParts(run, skip))
    }
  } else if (page.entries) parts.push(...itemParts(page.entries, 0, page.entries.length, skip))
  parts.push(Buffer.from(`${tail}\n`))
  return parts
}

export const entriesOfPage = (page: Page): readonly Entry[] => {
  if (page.entries) return page.entries
  const entries: Entry[] = []
  for (const run of page.runs ?? []) for (let at = run.from; at < run.to; at++) entries.push(run.leaf.entries[at] as Entry)
  return entries
}
