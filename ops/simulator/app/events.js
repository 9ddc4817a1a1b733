/* Dates and times in order, with a warning where two start together. */
(function () {
  'use strict';

  const { el, day, daysUntil, nearness } = window.UI;
  const store = window.Store;
  const moment = (record) => record.date + 'T' + (record.time || '00:00');
  const past = (record) => daysUntil(record.date) < 0;
  const upcoming = (records) => records.filter((record) => !past(record)).sort((a, b) => moment(a).localeCompare(moment(b)));

  function clashes(record) {
    return store.all().filter((other) => other.id !== record.id && record.time && !past(record) && moment(other) === moment(record));
  }

  function panel() {
    const text = el('p', { class: 'question', id: 'next' });
    const node = el('section', { class: 'card center', 'aria-label': 'What is next' }, [text]);
    return {
      node: node,
      update(records) {
        const next = upcoming(records)[0];
        text.textContent = next ? 'Next: ' + next.title + ', ' + nearness(next.date) + (next.time ? ' at ' + next.time : '') : 'Nothing ahead';
      },
    };
  }

  window.Features.events = {
    panel: panel,
    fields: [
      { name: 'title', label: 'What?', type: 'text', required: true, max: 100, wide: true },
      { name: 'date', label: 'Date', type: 'date', value: () => day(0) },
      { name: 'time', label: 'Time', type: 'time' },
      { name: 'place', label: 'Place or people', type: 'text', max: 120 },
    ],
    check: (values) => (values.date ? '' : 'Choose a date.'),
    create: (values, old) => Object.assign({}, old, values, { date: values.date || day(values.inDays || 0) }),
    filters: [
      ['upcoming', 'Upcoming', (record) => !past(record)],
      ['past', 'Past', past],
    ],
    sorts: [['time', 'By time', (a, b) => Number(past(a)) - Number(past(b)) || moment(a).localeCompare(moment(b))]],
    row: (record) => ({
      done: past(record),
      aside: el('span', { class: 'chip', text: nearness(record.date) }),
      body: [el('div', { class: 'meta' }, [
        el('span', { text: record.date + (record.time ? ', ' + record.time : '') }),
        record.place ? el('span', { text: '· ' + record.place }) : null,
        clashes(record).length ? el('span', { class: 'chip warn', text: 'Clashes with ' + clashes(record).map((other) => other.title).join(', ') }) : null,
      ])],
    }),
    stats: (records) => [
      { label: 'upcoming', value: upcoming(records).length },
      { label: 'today', value: records.filter((record) => record.date === day(0)).length },
      { label: 'clashes', value: records.filter((record) => clashes(record).length).length },
    ],
  };
}());
