// SPDX-License-Identifier: Apache-2.0
import type { en } from '../en/components';
import type { SameMessages } from '../index.svelte';

export const zh = {
  'components.title': '组件',
  'components.lead': '控制台的组成部分及其各种状态。',
  'components.buttons': '按钮',
  'components.fields': '输入',
  'components.tags': '标签与进度',
  'components.data': '表格、热力图与图表',
  'components.feedback': '对话框、通知与状态',
  'components.sample': '示例',
  'components.hint': '输入框下方的提示',
  'components.error': '输入有误',
  'components.open': '打开对话框',
  'components.tell': '显示通知',
  'components.tooltip': '指向此处',
  'components.text': '说明此处要做什么的文字。',
} as const;

void (zh satisfies SameMessages<typeof zh, typeof en>);
