// SPDX-License-Identifier: Apache-2.0
//
// What is used of ECharts, loaded when the first chart is drawn. Hints, legend and table are ours:
// those of ECharts write style attributes, which the content security policy refuses.
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, BarChart, GridComponent, SVGRenderer]);

export { init };
export type { EChartsType } from 'echarts/core';
