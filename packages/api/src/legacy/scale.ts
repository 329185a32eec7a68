import { compileLabelSelector } from '@skiff/machinery'
import { type Form, given, type LooseFields } from './legacy-kind.ts'

/** Versions with a Scale of their own. */
export const scaleVersions = ['extensions/v1beta1', 'apps/v1beta1', 'apps/v1beta2'] as const

const byLabels = (text: string): LooseFields | undefined => {
  const parts = text.split(',').map((part) => part.split('='))
  return parts.every((part) => part.length === 2 && !part[0]?.endsWith('!')) ? Object.fromEntries(parts) : undefined
}

/** The selector stood as a map where labels alone can say it, beside its text. */
export const scaleForm: Form = {
  fromStored: (scale) => {
    const { selector, ...status } = (scale.status ?? {}) as { readonly selector?: string }
    return {
      ...scale,
      status: given({ ...status, selector: selector ? byLabels(selector) : undefined, targetSelector: selector || undefined }),
    }
  },
  toStored: (scale) => {
    const { selector, targetSelector, ...status } = (scale.status ?? {}) as {
      readonly selector?: Readonly<Record<string, string>>
      readonly targetSelector?: string
    }
    const text = targetSelector ?? (selector && compileLabelSelector({ matchLabels: selector }).toString())
    return { ...scale, status: given({ ...status, selector: text }) }
  },
}
