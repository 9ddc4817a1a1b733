/* Things to tick off, by due date and priority. */
(function () {
  'use strict';

  const { el, button, bar, daysUntil, nearness, toast } = window.UI;
  const store = window.Store;
  const RANK = { high: 0, normal: 1, low: 2 };
  const overdue = (record) => !record.done && Boolean(record.due) && daysUntil(record.due) < 0;

  function order(a, b) {
    return Number(a.done) - Number(b.done) || String(a.due || '9').localeCompare(String(b.due || '9'))
      || RANK[a.priority] - RANK[b.priority] || a.id - b.id;
  }

  function clear() {
    const done = store.all().filter((record) => record.done);
    done.forEach((record) => store.remove(record.id));
    toast(done.length + ' removed');
  }

  function panel() {
    const progress = el('div', { style: 'flex:1;min-width:180px' });
    const node = el('section', { class: 'card', 'aria-label': 'Progress' }, [
      el('div', { class: 'toolbar' }, [progress, button('Clear completed', clear, { id: 'clear' })]),
    ]);
    return {
      node: node,
      update(records) {
        const done = records.filter((record) => record.done).length;
        progress.replaceChildren(bar('Progress', done + ' of ' + records.length, records.length ? done / records.length : 0));
      },
    };
  }

  window.Features.todo = {
    panel: panel,
    fields: [
      { name: 'title', label: 'What is to do?', type: 'text', required: true, max: 120, wide: true },
      { name: 'due', label: 'Due', type: 'date' },
      { name: 'priority', label: 'Priority', type: 'select', value: 'normal', options: [['high', 'High'], ['normal', 'Normal'], ['low', 'Low']] },
    ],
    create: (values, old) => Object.assign({ done: false, priority: 'normal' }, old, values),
    filters: [
      ['open', 'Open', (record) => !record.done],
      ['done', 'Completed', (record) => record.done],
      ['overdue', 'Overdue', overdue],
    ],
    sorts: [['smart', 'Due date and priority', order]],
    row: (record) => ({
      done: record.done,
      lead: el('input', {
        type: 'checkbox', checked: record.done, 'aria-label': 'Completed: ' + record.title,
        on: { change: (event) => store.update(record.id, { done: event.target.checked }) },
      }),
      aside: record.priority === 'normal' ? null : el('span', { class: 'chip', text: record.priority + ' priority' }),
      body: record.due ? [el('div', { class: 'meta' }, [
        el('span', { class: overdue(record) ? 'chip warn' : 'chip', text: (overdue(record) ? 'Overdue: ' : 'Due ') + nearness(record.due) }),
        el('span', { text: record.due }),
      ])] : [],
    }),
    stats: (records) => [
      { label: 'open', value: records.filter((record) => !record.done).length },
      { label: 'completed', value: records.filter((record) => record.done).length },
      { label: 'overdue', value: records.filter(overdue).length },
    ],
  };
}());
