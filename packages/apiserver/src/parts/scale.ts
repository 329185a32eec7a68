import type { Kind } from '@skiff/api'
import {
  badRequest,
  compileLabelSelector,
  type FieldError,
  internalError,
  invalid,
  invalidValue,
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
  ownValue,
} from '@skiff/machinery'
import type { HandlerContext, Part } from '../handler.ts'
import type { Entry } from '../registry/entry.ts'
import { replyObject } from '../represent/represent.ts'
import { checkFieldManager, configurationOf, merged } from '../rest/apply-patch.ts'
import { decodeBody } from '../rest/body.ts'
import { methodNotAllowed, namedOf, type Request, type Rest } from '../rest/context.ts'
import { inNamespace } from '../rest/create.ts'
import { writeOptions } from '../rest/options.ts'
import { isApply, patched, patcherFor } from '../rest/patch.ts'
import { getOne } from '../rest/read.ts'
import { checkName, checkUid, served, writeOver } from '../rest/update.ts'
import { admitPart } from './admit.ts'

interface Scalable extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly selector?: never }
  readonly status?: { readonly replicas?: number }
}
interface Scale extends KubeObject {
  readonly spec?: { readonly replicas?: number }
}

/** The autoscaling/v1 Scale of a workload. */
const scaleOf = (kind: Kind, object: Scalable): Scale => {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const { replicas, current, selector } = kind.scale ? customNumbers(kind.scale, object) : builtinNumbers(object)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: { replicas: current, ...(selector ? { selector } : {}) },
  } as Scale
}

const builtinNumbers = (object: Scalable) => ({
  replicas: object.spec.replicas,
  current: object.status?.replicas ?? 0,
  selector: selectorText(object),
})

const pathOf = (path: string): readonly string[] => path.replace(/^\./, '').split('.')

const valueAt = (object: unknown, path: string): unknown =>
  pathOf(path).reduce<unknown>((at, name) => (isJsonObject(at) ? ownValue(at, name) : undefined), object)

const customNumbers = ({ specReplicas, statusReplicas, labelSelector }: NonNullable<Kind['scale']>, object: Scalable) => ({
  replicas: valueAt(object, specReplicas) as number | undefined,
  current: (valueAt(object, statusReplicas) as number | undefined) ?? 0,
  selector: labelSelector ? (valueAt(object, labelSelector) as string | undefined) : undefined,
})

const withValueAt = (object: JsonObject, [name = '', ...rest]: readonly string[], value: Json): JsonObject => {
  const inner = ownValue(object, name)
  return { ...object, [name]: rest.length === 0 ? value : withValueAt(isJsonObject(inner) ? inner : {}, rest, value) }
}

/** The selector in query form; a ReplicationController's is a plain map. */
const selectorText = (object: Scalable): string => {
  const selector = object.spec.selector as unknown as Record<string, unknown> | undefined
  if (!selector) return ''
  const labels = object.kind === 'ReplicationController' ? { matchLabels: selector as Record<string, string> } : selector
  return compileLabelSelector(labels).toString()
}

const withReplicas = (kind: Kind, object: Scalable, scale: Scale): Scalable => {
  const replicas = scale.spec?.replicas ?? 0
  const errors: FieldError[] = []
  // A custom kind's own checks name the field by its path.
  if (replicas < 0 && !kind.scale) errors.push(invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'))
  if (errors.length > 0) throw invalid({ group: 'autoscaling', kind: 'Scale' }, object.metadata.name, errors)
  const given = scale.metadata.resourceVersion
  const metadata = { ...object.metadata, ...(given ? { resourceVersion: given } : {}) }
  if (kind.scale)
    return { ...(withValueAt(object as unknown as JsonObject, pathOf(kind.scale.specReplicas), replicas) as unknown as Scalable), metadata }
  return { ...object, metadata, spec: { ...object.spec, replicas } }
}

/**
 * GET, PUT and PATCH of a workload's scale. `scaleKinds` give the codec of Scale itself: autoscaling/v1 first, then the versions that
 * removed API versions had of their own.
 */
export const scalePart = (scaleKinds: readonly Kind[]): Part => {
  const scaleKindOf = ({ subresources }: Kind): Kind => {
    const part = subresources.find(({ name }) => name === 'scale')
    return scaleKinds.find(({ group, version }) => group === part?.group && version === part.version) ?? (scaleKinds[0] as Kind)
  }
  return async (context, request) => {
    const { call, kind } = request
    const scaleKind = scaleKindOf(kind)
    if (call.verb === 'get') return replyScale(context, request, scaleKind, await getOne(context.rest, request, namedInRefusals(kind)))
    if (call.verb === 'update') return putScale(context, request, scaleKind)
    if (call.verb === 'patch') return patchScale(context, request, scaleKind)
    throw methodNotAllowed()
  }
}

/** Whom a read of a scale that is not there names: what each kind's storage says upstream. */
const namedInRefusals = (kind: Kind) => {
  const { group, resource } = namedOf(kind)
  if (kind.custom || resource === 'statefulsets') return { group, resource }
  return { group: resource === 'replicationcontrollers' ? 'autoscaling' : group, resource: `${resource}/scale` }
}

const shownAs = ({ conversion }: Kind, scale: Scale): Scale => (conversion ? (conversion.fromStored(scale) as Scale) : scale)
const readAs = ({ conversion }: Kind, scale: KubeObject): Scale => (conversion ? conversion.toStored(scale) : scale) as Scale

const unset = -2147483648

/** Upstream has no scale for an object that has no replicas. */
const checkScalable = (kind: Kind, object: Scalable): void => {
  if (!kind.scale || valueAt(object, kind.scale.specReplicas) !== undefined) return
  throw internalError(`the spec replicas field ${JSON.stringify(kind.scale.specReplicas)} does not exist`)
}

/** The scale as upstream shows it to a patch: a count that no one may leave where there is none. */
const patchable = (kind: Kind, object: Scalable, scale: Scale): Scale =>
  kind.scale && valueAt(object, kind.scale.specReplicas) === undefined ? { ...scale, spec: { replicas: unset } } : scale

const replyScale = ({ tables }: HandlerContext, { call, kind }: Request, scaleKind: Kind, entry: Entry) => {
  const object = served(kind, entry) as Scalable
  checkScalable(kind, object)
  return replyObject(call, scaleKind, shownAs(scaleKind, scaleOf(kind, object)), tables)
}

const admitScale = (rest: Rest, request: Request, scale: Scale, current: Scalable): Promise<void> =>
  admitPart(
    rest,
    request,
    'update',
    scale as Scale & { kind: string } & Record<string, unknown>,
    'autoscaling',
    scaleOf(request.kind, current),
  )

const putScale = async (context: HandlerContext, request: Request, scaleKind: Kind) => {
  const { rest } = context
  const { call, kind } = request
  const options = writeOptions(call, 'UpdateOptions')
  const scale = readAs(scaleKind, inNamespace(kind, decodeBody(scaleKind, call.body, options.validation, request.warnings), call.namespace))
  checkName(request, scale)
  const { subresource: _, ...plain } = call
  const written = await writeOver(
    rest,
    { ...request, dryRun: options.dryRun, fieldManager: options.fieldManager, trackedAs: 'scale', call: plain },
    async (current) => {
      checkUid(kind, scale, current as Scalable)
      await admitScale(rest, { ...request, dryRun: options.dryRun }, scale, current as Scalable)
      return withReplicas(kind, current as Scalable, scale)
    },
    false,
  )
  return replyScale(context, request, scaleKind, written.entry)
}

/** The part of a workload that a Scale sets, as a configuration of the workload itself. */
const workloadOf = ({ apiVersion, kind, scale }: Kind, name: string, configuration: Scale): JsonObject => {
  const replicas = configuration.spec?.replicas
  const bare: JsonObject = { apiVersion, kind, metadata: { name } }
  return replicas === undefined ? bare : withValueAt(bare, scale ? pathOf(scale.specReplicas) : ['spec', 'replicas'], replicas)
}

/** Whoever applies a Scale holds the workload's replicas under the subresource's name. */
const applyScale = async (context: HandlerContext, request: Request, scaleKind: Kind) => {
  const { rest } = context
  const { call, kind, warnings } = request
  const options = writeOptions(call, 'PatchOptions')
  checkFieldManager(options.fieldManager)
  const given = configurationOf(request, options.validation)
  const { object } = scaleKind.codec.decode(given as JsonObject)
  if (object.apiVersion !== scaleKind.apiVersion || object.kind !== scaleKind.kind)
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${object.apiVersion ?? ''}, expected: ${scaleKind.apiVersion}`,
    )
  const scale = readAs(scaleKind, object)
  const { subresource: _, ...plain } = call
  const applying: Request = {
    ...request,
    dryRun: options.dryRun,
    fieldManager: options.fieldManager,
    trackedAs: 'scale',
    call: plain,
    warnings,
  }
  const change = async (current: KubeObject | undefined) => {
    const next = await merged(rest, applying, current, workloadOf(kind, call.name ?? '', scale), options)
    await admitScale(rest, { ...request, dryRun: options.dryRun }, scaleOf(kind, next as Scalable), current as Scalable)
    return withReplicas(kind, next as Scalable, {
      ...scaleOf(kind, next as Scalable),
      metadata: { ...scale.metadata, resourceVersion: '' },
    })
  }
  const written = await writeOver(rest, { ...applying, tracked: true }, change, false)
  return replyScale(context, request, scaleKind, written.entry)
}

const patchScale = async (context: HandlerContext, request: Request, scaleKind: Kind) => {
  const { rest } = context
  const { call, kind, warnings } = request
  if (isApply(call)) return applyScale(context, request, scaleKind)
  const options = writeOptions(call, 'PatchOptions')
  const patcher = patcherFor(scaleKind, call, options.validation, kind.custom)
  const { subresource: _, ...plain } = call
  const change = async (current: KubeObject | undefined) => {
    const shown = patchable(kind, current as Scalable, shownAs(scaleKind, scaleOf(kind, current as Scalable)))
    const scale = readAs(scaleKind, patched(scaleKind, call, shown, patcher, options.validation, warnings))
    if (kind.scale && scale.spec?.replicas === unset)
      throw badRequest(`the spec replicas field ${JSON.stringify(kind.scale.specReplicas)} cannot be empty`)
    await admitScale(rest, { ...request, dryRun: options.dryRun }, scale, current as Scalable)
    return withReplicas(kind, current as Scalable, scale)
  }
  const written = await writeOver(
    rest,
    { ...request, dryRun: options.dryRun, fieldManager: options.fieldManager, trackedAs: 'scale', call: plain },
    change,
    false,
  )
  return replyScale(context, request, scaleKind, written.entry)
}
