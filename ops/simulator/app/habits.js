/* Check-ins by day, and the streaks that follow from them. */
(function () {
  'use strict';

  const { el, button, day, plural } = window.UI;
  const store = window.Store;
  const WEEK = 7;

  /* Days in a row up to today; a day that is not over yet breaks nothing. */
  function streak(days) {
    let at = days[day(0)] ? 0 : -1;
    let count = 0;
    while (days[day(at)]) {
      count += 1;
      at -= 1;
    }
    return count;
  }

  function best(days) {
    let longest = 0;
    let run = 0;
    let last = null;
    Object.keys(days).filter((key) => days[key]).sort().forEach((key) => {
      const noon = new Date(key + 'T12:00:00').getTime();
      run = last !== null && Math.round((noon - last) / 86400000) === 1 ? run + 1 : 1;
      last = noon;
      longest = Math.max(longest, run);
    });
    return longest;
  }

  function toggle(record, key) {
    const days = Object.assign({}, record.days);
    if (days[key]) {
      delete days[key];
    } else {
      days[key] = true;
    }
    store.update(record.id, { days: days, best: Math.max(record.best || 0, best(days)) });
  }

  function week(record) {
    const buttons = [];
    for (let offset = 1 - WEEK; offset <= 0; offset += 1) {
      const key = day(offset);
      const date = new Date(key + 'T12:00:00');
      buttons.push(button('', () => toggle(record, key), {
        class: record.days[key] ? 'day on' : 'day',
        'aria-pressed': record.days[key] ? 'true' : 'false',
        'aria-label': record.title + ' on ' + key,
      }));
      buttons[buttons.length - 1].append(date.toLocaleDateString(undefined, { weekday: 'short' }), el('b', { text: String(date.getDate()) }));
    }
    return el('div', { class: 'days', role: 'group', 'aria-label': 'Last seven days of ' + record.title }, buttons);
  }

  window.Features.habits = {
    streak: streak,
    fields: [{ name: 'title', label: 'What do you want to keep up?', type: 'text', required: true, max: 80, wide: true, placeholder: 'For example: read ten pages' }],
    create: (values, old) => Object.assign({ days: old ? old.days : {}, best: old ? old.best : 0 }, values),
    filters: [
      ['open', 'Open today', (record) => !record.days[day(0)]],
      ['done', 'Done today', (record) => Boolean(record.days[day(0)])],
    ],
    sorts: [['streak', 'Longest streak', (a, b) => streak(b.days) - streak(a.days) || a.id - b.id]],
    row(record) {
      const today = day(0);
      const count = streak(record.days);
      return {
        aside: button(record.days[today] ? '✓ Done today' : 'Mark done today', () => toggle(record, today), {
          class: record.days[today] ? 'small on' : 'primary small',
          'aria-pressed': record.days[today] ? 'true' : 'false',
        }),
        body: [
          el('div', { class: 'meta' }, [
            el('span', { class: count ? 'chip streak hot' : 'chip streak', text: plural(count, 'day', 'days') + ' in a row' }),
            el('span', { text: 'best streak ' + plural(record.best || 0, 'day', 'days') }),
          ]),
          week(record),
        ],
      };
    },
    stats(records) {
      const done = records.filter((record) => record.days[day(0)]).length;
      return [
        { label: 'done today', value: done + ' / ' + records.length },
        { label: 'longest streak now', value: records.reduce((most, record) => Math.max(most, streak(record.days)), 0) },
        { label: 'best streak ever', value: records.reduce((most, record) => Math.max(most, record.best || 0), 0) },
      ];
    },
  };
}());
