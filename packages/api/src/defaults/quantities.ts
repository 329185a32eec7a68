import { roundUpMilli } from '@skiff/machinery'
import type { ResourceRequirements } from '../generated/types.ts'

export type ResourceList = Readonly<Record<string, string>>

const maybeFiner = /[nu.eE]/

/** Amounts of resources are held in thousandths at the finest, rounded up. */
export const roundResources = (list: ResourceList): ResourceList => {
  for (const name in list)
    if (maybeFiner.test(list[name] as string))
      return Object.fromEntries(Object.entries(list).map(([key, text]) => [key, roundUpMilli(text)]))
  return list
}

export const roundRequirements = <T extends Pick<ResourceRequirements, 'limits' | 'requests'>>(resources: T): T => {
  const limits = resources.limits && roundResources(resources.limits)
  const requests = resources.requests && roundResources(resources.requests)
  if (limits === resources.limits && requests === resources.requests) return resources
  return { ...resources, ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) }
}
