import { isRefusal } from '@skiff/machinery'
import type { Entry } from '../registry/entry.ts'
import { entriesOfPage } from '../represent/parts.ts'
import type { Request, Rest } from './context.ts'
import { deleteOptions } from './delete-options.ts'
import { list, type Page } from './read.ts'
import { removeOne } from './remove.ts'

/** Deletes what a list with the same query gives, a few at a time; answers that list. */
export const removeCollection = async (rest: Rest, request: Request): Promise<Page> => {
  const options = deleteOptions(request.call)
  const page = await list(rest, request)
  const entries = entriesOfPage(page)
  const one = async (entry: Entry): Promise<void> => {
    try {
      await removeOne(rest, { ...request, dryRun: options.dryRun }, entry.key, options)
    } catch (error) {
      if (!isRefusal(error, 404)) throw error
    }
  }
  for (let at = 0; at < entries.length; at += 32) await Promise.all(entries.slice(at, at + 32).map(one))
  return page
}
