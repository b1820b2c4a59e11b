VALUE = "{{ not rendered }}"
