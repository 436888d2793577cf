using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Gristmill.Grains.Testing;

/// <summary>Notes how large the arguments of grain calls are when serialised, and their answers ("... answers"), streams of events among them.</summary>
internal sealed class MessageSizes(ConcurrentDictionary<string, long> largest) : IIncomingGrainCallFilter
{
    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var stream = context.InterfaceName.Contains("AsyncEnumerable", StringComparison.Ordinal);
        if (!stream && !context.InterfaceName.Contains("Gristmill", StringComparison.Ordinal))
        {
            await context.Invoke();
            return;
        }

        var name = $"{context.InterfaceName}.{context.MethodName}";
        if (!stream)
        {
            long bytes = 0;
            for (var i = 0; i < context.Request.GetArgumentCount(); i++)
            {
                if (context.Request.GetArgument(i) is { } argument and not CancellationToken and not IAddressable)
                {
                    bytes += Serializer.SerializeToArray(argument).Length;
                }
            }

            Note(name, bytes);
        }

        await context.Invoke();
        if (context.Result is { } answer)
        {
            Note(name + " answers", Serializer.SerializeToArray(answer).Length);
        }
    }

    private void Note(string name, long bytes) => largest.AddOrUpdate(name, bytes, (_, known) => Math.Max(known, bytes));
}
