// SPDX-License-Identifier: Apache-2.0
//
// What a series of a trend says of its events: of them and of persons alone, then of the numbers of
// a property.
export const counting_maths = ['total', 'unique', 'per_user', 'weekly_active', 'monthly_active'] as const;
export const number_maths = ['sum', 'avg', 'min', 'max', 'median', 'p90', 'p95', 'p99'] as const;
export const maths = [...counting_maths, ...number_maths] as const;
export type TrendMath = (typeof maths)[number];
