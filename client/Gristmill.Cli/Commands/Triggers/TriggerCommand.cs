using System.CommandLine;
using System.Globalization;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>What starts runs by itself: add, list, show, pause, resume, fire, remove, history.</summary>
internal static class TriggerCommand
{
    public static Command Create(CliContext context) => new("trigger", "What starts runs by itself: by time, file, object, webhook, run, metric or stream.")
    {
        TriggerAddCommand.Create(context),
        List(context),
        Show(context),
        Change(context, "pause", "Fire nothing until it is resumed, also after a restart.", static (client, name, cancellation) => client.PauseTriggerAsync(name, cancellation)),
        Change(context, "resume", "Fire again; times in between are not made up for.", static (client, name, cancellation) => client.ResumeTriggerAsync(name, cancellation)),
        Fire(context),
        Remove(context),
        History(context),
    };

    private static Argument<string> NameArgument() => new("trigger") { Description = "The trigger's name; 'mill trigger list' lists them." };

    private static Command List(CliContext context)
    {
        var pipeline = new Argument<string?>("pipeline") { Description = "Only triggers of this pipeline.", Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit", "-n") { Description = "How many, at most 200.", DefaultValueFactory = _ => 50 };
        var after = new Option<string?>("--after") { Description = "Only names that come after this one, for paging.", HelpName = "NAME" };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();
        var command = new Command("list", "List triggers by name.") { pipeline, limit, after, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var triggers = await client.ListTriggersAsync(parsed.GetValue(pipeline), parsed.GetValue(limit), parsed.GetValue(after), cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(triggers);
            }
            else if (triggers.Count == 0)
            {
                context.WriteLine("There are no triggers. 'mill trigger add' makes one.");
            }
            else
            {
                context.WriteTable(["trigger", "pipeline", "fires", "state", "next", "last"], triggers.Select(trigger => new[]
                {
                    trigger.Spec.Name, trigger.Spec.Pipeline, TriggerText.Source(trigger.Spec), State(trigger),
                    trigger.Next is { } next ? Texts.Time(next) : "",
                    trigger.Last is { } last ? $"{Texts.Time(last.Fired)} {TriggerText.Outcome(last.Outcome)}" : "",
                }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Show(CliContext context)
    {
        var (name, server, json) = (NameArgument(), CliContext.ServerOption(), CliContext.JsonOption());
        var command = new Command("show", "Show a trigger: what it does, when next, what came of the last time.") { name, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            Write(context, await client.GetTriggerAsync(parsed.GetValue(name)!, cancellationToken), parsed.GetValue(json), client);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Change(CliContext context, string verb, string description, Func<GristmillClient, string, CancellationToken, Task<TriggerView>> change)
    {
        var (name, server, json) = (NameArgument(), CliContext.ServerOption(), CliContext.JsonOption());
        var command = new Command(verb, description) { name, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            Write(context, await change(client, parsed.GetValue(name)!, cancellationToken), parsed.GetValue(json), client);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Fire(CliContext context)
    {
        var (name, server, json) = (NameArgument(), CliContext.ServerOption(), CliContext.JsonOption());
        var parameters = new Option<string[]>("--param", "-p") { Description = "A parameter in place of the trigger's own: name=value. May be repeated.", HelpName = "NAME=VALUE" };
        var command = new Command("fire", "Fire now, also while paused.") { name, parameters, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var request = new TriggerFireRequest();
            if (parsed.GetValue(parameters) is { Length: > 0 } pairs)
            {
                var trigger = await client.GetTriggerAsync(parsed.GetValue(name)!, cancellationToken);
                request = request with { Parameters = await TriggerAddCommand.ParametersAsync(client, trigger.Spec.Pipeline, pairs, cancellationToken) };
            }

            var firing = await client.FireTriggerAsync(parsed.GetValue(name)!, request, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(firing);
            }
            else
            {
                context.WriteLine(TriggerText.Firing(firing));
            }

            return firing.Outcome == FiringOutcome.Failed ? ExitCodes.Failed : ExitCodes.Ok;
        });
        return command;
    }

    private static Command Remove(CliContext context)
    {
        var (name, server) = (NameArgument(), CliContext.ServerOption());
        var command = new Command("rm", "Remove a trigger with its history; its runs stay.") { name, server };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            // To delete what is not there is no error over REST; of a person it is a name mistyped.
            await client.GetTriggerAsync(parsed.GetValue(name)!, cancellationToken);
            await client.DeleteTriggerAsync(parsed.GetValue(name)!, cancellationToken);
            context.WriteLine($"Trigger {parsed.GetValue(name)} is removed.");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command History(CliContext context)
    {
        var (name, server, json) = (NameArgument(), CliContext.ServerOption(), CliContext.JsonOption());
        var limit = new Option<int>("--limit", "-n") { Description = "How many, at most 200.", DefaultValueFactory = _ => 20 };
        var before = new Option<long>("--before") { Description = "Only firings with a lower number, for paging.", HelpName = "NUMBER" };
        var command = new Command("history", "List a trigger's firings, newest first.") { name, limit, before, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var firings = await client.ListFiringsAsync(parsed.GetValue(name)!, parsed.GetValue(limit), parsed.GetValue(before), cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(firings);
            }
            else if (firings.Count == 0)
            {
                context.WriteLine("It has not fired.");
            }
            else
            {
                context.WriteTable(["", "for", "fired", "outcome", "run", ""], firings.Select(firing => new[]
                {
                    firing.Number.ToString(CultureInfo.InvariantCulture), Texts.Time(firing.Scheduled), Texts.Time(firing.Fired), TriggerText.Outcome(firing.Outcome),
                    firing.Run ?? "", firing.Error is { } error ? $"{error.Message} [{error.Code}]" : firing.Reason ?? "",
                }));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    internal static void Write(CliContext context, TriggerView trigger, bool json, GristmillClient client)
    {
        if (json)
        {
            context.WriteJson(trigger);
            return;
        }

        context.WriteLine($"{trigger.Spec.Name} {TriggerText.Deed(trigger.Spec)} {TriggerText.Source(trigger.Spec)}{(trigger.Declared ? ", as its code declares" : "")}");
        if (trigger.Spec.Description is { } description)
        {
            context.WriteLine($"  {description}");
        }

        foreach (var (name, value) in trigger.Spec.Parameters.OrderBy(static p => p.Key, StringComparer.Ordinal))
        {
            context.WriteLine($"  {name} = {value}");
        }

        context.WriteLine($"  state: {State(trigger)}; {Texts.Count(trigger.Firings, "firing")}{(trigger.Queued > 0 ? $", {trigger.Queued} wait" : "")}; concurrency {Lower(trigger.Spec.Concurrency)}");
        if (trigger.Next is { } next)
        {
            context.WriteLine($"  next: {Texts.Time(next)}");
        }

        if (trigger.Spec.Webhook is not null)
        {
            context.WriteLine($"  send to: {new Uri(client.Server, $"api/v1/hooks/{Uri.EscapeDataString(trigger.Spec.Name)}")}");
        }

        if (trigger.Last is { } last)
        {
            context.WriteLine($"  last: {TriggerText.Firing(last)}");
        }

        if (trigger.Problem is { } problem)
        {
            context.WriteLine($"  problem: {problem.Message} [{problem.Code}]");
        }
    }

    private static string State(TriggerView trigger) => trigger.Paused ? "paused" : trigger.Problem is not null ? "problem" : "on";

    private static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
