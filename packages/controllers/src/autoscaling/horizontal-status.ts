import type { HorizontalPodAutoscaler } from '@skiff/api'
import { horizontalPodAutoscaler as autoscalers } from '@skiff/api'
import { event, reasonOf, type Steps, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'

/** Writes the status where it says something new; what goes wrong is told and waits for the next attempt. */
export const writeStatus = (hpa: HorizontalPodAutoscaler, status: HorizontalPodAutoscaler['status']): Steps =>
  same(hpa.status, status)
    ? []
    : [
        updateStatus(
          autoscalers,
          { ...hpa, ...(status ? { status } : {}) },
          {
            failed: (error) => [event(hpa, 'Warning', 'FailedUpdateStatus', reasonOf(error))],
          },
        ),
      ]
