"""The starter's chat template, in its file's header: ChatML, with the tools of a request as the first system text."""

from models.starter.chat.calls import HEAD

TEMPLATE = f"""{{%- if tools %}}
{{{{- '<|im_start|>system\\n{HEAD}' }}}}
{{%- for tool in tools %}}{{{{- '\\n' + ((tool.function or tool) | tojson) }}}}{{%- endfor %}}
{{{{- '<|im_end|>\\n' }}}}
{{%- endif %}}
{{%- for message in messages %}}
{{{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}}}
{{%- endfor %}}
{{%- if add_generation_prompt %}}
{{{{- '<|im_start|>assistant\\n' }}}}
{{%- endif %}}"""
