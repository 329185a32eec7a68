import { humanDuration, type JsonObject, parseTimeMs } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, numberAt, textAt } from '../objects/fields.ts'
import { eventLines } from './event-lines.ts'
import { capitalBool, controllerLine, nameLines, optionalLine, orUnset, selectorText, tagLines, timeText } from './lines.ts'
import type { Describer } from './look.ts'
import { templateLines } from './template.ts'

const secondsLine = (title: string, value: unknown): string[] => (value === undefined ? [] : [`${title}:\t${value}s`])

const timeLines = (job: Dynamic): string[] => {
  const [started, completed] = [textAt(job, 'status.startTime'), textAt(job, 'status.completionTime')]
  return [
    ...(started === '' ? [] : [`Start Time:\t${timeText(started)}`]),
    ...(completed === '' ? [] : [`Completed At:\t${timeText(completed)}`]),
    ...(started === '' || completed === '' ? [] : [`Duration:\t${humanDuration(parseTimeMs(completed) - parseTimeMs(started))}`]),
  ]
}

const indexLimit = 50
/** A list of indexes, cut at the first comma past 50 characters. */
const indexesText = (indexes: string): string => {
  if (indexes === '') return '<none>'
  const cut = indexes.indexOf(',', indexLimit)
  return cut < 0 ? indexes : `${indexes.slice(0, cut + 1)}...`
}

const statusesLine = (job: Dynamic): string => {
  const count = (path: string): number => numberAt(job, `status.${path}`)
  const ready = at(job, 'status.ready') === undefined ? '' : ` (${count('ready')} Ready)`
  return `Pods Statuses:\t${count('active')} Active${ready} / ${count('succeeded')} Succeeded / ${count('failed')} Failed`
}

export const describeJob: Describer = async (job, look) => [
  ...nameLines(job),
  `Selector:\t${selectorText(job, 'spec.selector')}`,
  ...tagLines(job),
  ...controllerLine(job),
  ...optionalLine('Parallelism', at(job, 'spec.parallelism')),
  `Completions:\t${orUnset(at(job, 'spec.completions'))}`,
  ...optionalLine('Completion Mode', at(job, 'spec.completionMode')),
  ...optionalLine('Suspend', at(job, 'spec.suspend')),
  ...optionalLine('Backoff Limit', at(job, 'spec.backoffLimit')),
  ...optionalLine('TTL Seconds After Finished', at(job, 'spec.ttlSecondsAfterFinished')),
  ...timeLines(job),
  ...secondsLine('Active Deadline Seconds', at(job, 'spec.activeDeadlineSeconds')),
  statusesLine(job),
  ...(textAt(job, 'spec.completionMode') === 'Indexed'
    ? [`Completed Indexes:\t${indexesText(textAt(job, 'status.completedIndexes'))}`]
    : []),
  ...templateLines(at(job, 'spec.template') as JsonObject | undefined),
  ...(await eventLines(job, look)),
]

export const describeCronJob: Describer = async (cronJob, look) => {
  const spec = mapAt(cronJob, 'spec')
  const job = mapAt(spec, 'jobTemplate.spec')
  const last = textAt(cronJob, 'status.lastScheduleTime')
  const active = listAt(cronJob, 'status.active').map((each) => textAt(each, 'name'))
  return [
    ...nameLines(cronJob),
    ...tagLines(cronJob),
    `Schedule:\t${textAt(spec, 'schedule')}`,
    `Concurrency Policy:\t${textAt(spec, 'concurrencyPolicy')}`,
    `Suspend:\t${spec.suspend === undefined ? '<unset>' : capitalBool(spec.suspend)}`,
    `Successful Job History Limit:\t${orUnset(spec.successfulJobsHistoryLimit)}`,
    `Failed Job History Limit:\t${orUnset(spec.failedJobsHistoryLimit)}`,
    `Starting Deadline Seconds:\t${spec.startingDeadlineSeconds === undefined ? '<unset>' : `${spec.startingDeadlineSeconds}s`}`,
    `Selector:\t${job.selector === undefined ? '<unset>' : selectorText(job, 'selector')}`,
    `Parallelism:\t${orUnset(job.parallelism)}`,
    `Completions:\t${orUnset(job.completions)}`,
    ...secondsLine('Active Deadline Seconds', job.activeDeadlineSeconds),
    ...templateLines(job.template as JsonObject | undefined),
    `Last Schedule Time:\t${last === '' ? '<unset>' : timeText(last)}`,
    `Active Jobs:\t${active.length === 0 ? '<none>' : active.join(', ')}`,
    ...(await eventLines(cronJob, look)),
  ]
}
