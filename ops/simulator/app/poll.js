/* Questions with options; one vote per question on this device, which can be moved or taken back. */
(function () {
  'use strict';

  const { el, button, bar, plural, sum } = window.UI;
  const store = window.Store;
  const total = (record) => sum(record.options, (option) => option.votes);
  const lines = (text) => Array.from(new Set(String(text || '').split(/\n|;/).map((line) => line.trim()).filter(Boolean)));

  function vote(record, index) {
    const options = record.options.map((option) => Object.assign({}, option));
    if (record.mine !== null && options[record.mine]) {
      options[record.mine].votes = Math.max(0, options[record.mine].votes - 1);
    }
    const mine = record.mine === index ? null : index;
    if (mine !== null) {
      options[mine].votes += 1;
    }
    store.update(record.id, { options: options, mine: mine });
  }

  function winner(record) {
    const most = Math.max(...record.options.map((option) => option.votes));
    const leaders = record.options.filter((option) => option.votes === most && most > 0).map((option) => option.text);
    return leaders.length ? leaders.join(' and ') : 'nobody yet';
  }

  function option(record, entry, index) {
    const votes = total(record);
    const share = votes ? entry.votes / votes : 0;
    return el('div', { class: 'row-head' }, [
      el('div', { style: 'flex:1' }, [bar(entry.text, plural(entry.votes, 'vote', 'votes') + ' · ' + Math.round(share * 100) + '%', share)]),
      button(record.mine === index ? '✓ Voted' : 'Vote', () => vote(record, index), {
        class: record.mine === index ? 'small on' : 'ghost small',
        disabled: record.closed,
        'aria-label': 'Vote for ' + entry.text,
        'aria-pressed': record.mine === index ? 'true' : 'false',
      }),
    ]);
  }

  window.Features.poll = {
    fields: [
      { name: 'title', label: 'Question', type: 'text', required: true, max: 160, wide: true, placeholder: 'For example: where shall we eat?' },
      { name: 'choices', label: 'Options, one a line', type: 'textarea', max: 1000, wide: true, placeholder: 'Pizza\nSushi' },
    ],
    check: (values) => (lines(values.choices).length >= 2 ? '' : 'Give at least two different options.'),
    create(values, old) {
      const known = old ? old.options : [];
      const mine = old && old.mine !== null && old.options[old.mine] ? old.options[old.mine].text : null;
      const options = lines(values.choices).map((text) => known.find((entry) => entry.text === text) || { text: text, votes: 0 });
      const at = options.findIndex((entry) => entry.text === mine);
      const record = Object.assign({ closed: false }, old, values, { options: options, mine: at < 0 ? null : at });
      delete record.choices;
      return record;
    },
    show: (record, name) => (name === 'choices' ? record.options.map((entry) => entry.text).join('\n') : record[name]),
    text: (record) => record.options.map((entry) => entry.text).join(' '),
    filters: [
      ['open', 'Open', (record) => !record.closed],
      ['closed', 'Closed', (record) => record.closed],
    ],
    sorts: [['votes-cast', 'Most votes cast', (a, b) => total(b) - total(a) || b.id - a.id]],
    row: (record) => ({
      done: false,
      aside: button(record.closed ? 'Reopen' : 'Close', () => store.update(record.id, { closed: !record.closed })),
      body: [
        el('div', { class: 'bars' }, record.options.map((entry, index) => option(record, entry, index))),
        el('div', { class: 'meta' }, [el('span', {
          class: 'chip', text: record.closed ? 'Closed. Winner: ' + winner(record) : plural(total(record), 'vote', 'votes') + ' · ahead: ' + winner(record),
        })]),
      ],
    }),
    stats: (records) => [
      { label: 'questions', value: records.length },
      { label: 'open', value: records.filter((record) => !record.closed).length },
      { label: 'votes cast', value: sum(records, total) },
    ],
  };
}());
