/* Small helpers that build the page without ever writing HTML text. */
(function () {
  'use strict';

  function el(name, options, children) {
    const node = document.createElement(name);
    Object.entries(options || {}).forEach(([key, value]) => {
      if (key === 'text') {
        node.textContent = value;
      } else if (key === 'on') {
        Object.entries(value).forEach(([event, handler]) => node.addEventListener(event, handler));
      } else if (value === true) {
        node.setAttribute(key, '');
      } else if (value !== false && value !== null && value !== undefined) {
        node.setAttribute(key, value);
      }
    });
    (children || []).filter(Boolean).forEach((child) => node.append(child));
    return node;
  }

  function button(text, handler, options) {
    return el('button', Object.assign({ type: 'button', class: 'ghost small', text: text, on: { click: handler } }, options));
  }

  function bar(label, value, share) {
    const width = Math.max(0, Math.min(100, Math.round(share * 100)));
    return el('div', {}, [
      el('div', { class: 'bar-head' }, [el('span', { text: label }), el('span', { text: value })]),
      el('div', { class: 'bar', role: 'img', 'aria-label': label + ': ' + width + ' percent' }, [
        el('i', { style: 'width:' + width + '%' }),
      ]),
    ]);
  }

  /* A day as YYYY-MM-DD in local time; offset counts days from today. */
  function day(offset) {
    const date = new Date();
    date.setHours(12, 0, 0, 0);
    date.setDate(date.getDate() + (offset || 0));
    const two = (number) => String(number).padStart(2, '0');
    return date.getFullYear() + '-' + two(date.getMonth() + 1) + '-' + two(date.getDate());
  }

  function daysUntil(text) {
    const noon = (value) => new Date(value + 'T12:00:00').getTime();
    return Math.round((noon(text) - noon(day(0))) / 86400000);
  }

  function nearness(text) {
    const days = daysUntil(text);
    if (Number.isNaN(days)) {
      return text;
    }
    if (days === 0) {
      return 'today';
    }
    if (Math.abs(days) === 1) {
      return days > 0 ? 'tomorrow' : 'yesterday';
    }
    return days > 0 ? 'in ' + days + ' days' : -days + ' days ago';
  }

  function stars(rating) {
    const count = Math.max(0, Math.min(5, Number(rating) || 0));
    return el('span', { class: 'stars', role: 'img', 'aria-label': count + ' of 5 stars', text: '★'.repeat(count) + '☆'.repeat(5 - count) });
  }

  let timer = 0;
  function toast(text, undo) {
    const box = document.getElementById('toast');
    box.replaceChildren(el('span', { text: text }));
    if (undo) {
      box.append(button('Undo', () => {
        box.hidden = true;
        undo();
      }));
    }
    box.hidden = false;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => { box.hidden = true; }, 6000);
  }

  const plural = (count, one, many) => count + ' ' + (count === 1 ? one : many);
  const sum = (list, pick) => list.reduce((total, entry) => total + (Number(pick(entry)) || 0), 0);

  window.UI = { el, button, bar, day, daysUntil, nearness, stars, toast, plural, sum };
  window.Features = {};
}());
