{#-
    Names of the companies behind a charge, from one version of FOCUS to another.
    docs/provider_names.md is this file in words.
-#}

{#- How a provider's own products name their publisher; a room that isn't here has none known. -#}
{% macro own_publishers(room) -%}
    {{ return({
        'aws': ['Amazon', 'AWS'],
        'azure': ['Microsoft'],
        'gcp': ['Google'],
    }.get(room, [])) }}
{%- endmacro %}

{#- True where the publisher is the provider itself; never for a room without known names. -#}
{% macro is_published_by_the_provider(room) -%}
    (false
        {%- for beginning in own_publishers(room) %}
        or coalesce(PublisherName like '{{ beginning }}%', false)
        {%- endfor %})
{%- endmacro %}

{#- True where another company made what is charged; never for a room without known names. -#}
{% macro is_published_by_another(room) -%}
    {%- if own_publishers(room) -%}
        (PublisherName is not null and not {{ is_published_by_the_provider(room) }})
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{#-
    Since 1.3: who provides what is used or bought. The seller, where a marketplace passes it on;
    ProviderName, which it replaces, everywhere else.
-#}
{% macro service_provider_name(room) -%}
    coalesce(
        ServiceProviderName,
        case when {{ is_published_by_another(room) }} then PublisherName else ProviderName end,
        ProviderName
    )
{%- endmacro %}

{#-
    Since 1.3: whose infrastructure it runs on. A provider runs its own products itself; nobody says
    where another company runs its own.
-#}
{% macro host_provider_name(room) -%}
    coalesce(
        HostProviderName,
        case when {{ is_published_by_the_provider(room) }} then {{ service_provider_name(room) }} end
    )
{%- endmacro %}

{#- Up to 1.3: who sold it. The newer name stands in where a file has no longer the older one. -#}
{% macro provider_name() -%}
    coalesce(ProviderName, ServiceProviderName)
{%- endmacro %}
