// SPDX-License-Identifier: Apache-2.0
import type { en } from '../en/segments';
import type { SameMessages } from '../index.svelte';

export const zh = {
  'segments.title': '分群',
  'segments.lead': '有多少人符合条件，各人群如何重叠。',
  'segments.people': '符合以下条件的人',
  'segments.everybody': '所有人。添加条件以缩小范围。',
  'segments.sets': '对比人群',
  'segments.sets_hint': '在上述人中取二至八个人群：各有多少人，如何重叠。',
  'segments.set_n': '人群 {n}',
  'segments.add': '添加人群',
  'segments.name': '名称',
  'segments.name_wrong': '名称不能为空或重复。',
  'segments.size': '人数',
  'segments.of_known': '占已知 {n} 人的 {rate}',
  'segments.matrix': '重叠',
  'segments.matrix_hint': '每行的人当中，有多少也在该列。',
  'segments.exactly': '恰好属于',
  'segments.only': '仅 {label}',
  'segments.both': '{a} 且 {b}',
  'segments.often': '两次及以上',
  'segments.lately': '近期活跃',

  'segments.nobody': '没有人',
  'segments.nobody_text': '没有人符合这些条件。请去掉一条，或放宽时间。',
  'segments.explain': '{m} 人中的 {n} 人。',
  'segments.say.all': '所有已知的人。',
  'segments.say.people': '符合以下条件的人：{people}。',
  'segments.say.set': '{label}：{people}。',
  'segments.say.known': '有任何事件者即为已知。一切以截至时刻判断。',
} as const;

void (zh satisfies SameMessages<typeof zh, typeof en>);
