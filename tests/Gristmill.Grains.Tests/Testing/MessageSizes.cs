using System.Collections.Concurrent;
using Orleans.Serialization;

namespace Gristmill.Grains.Testing;

/// <summary>Notes how large the arguments of grain calls are when serialised.</summary>
internal sealed class MessageSizes(ConcurrentDictionary<string, long> largest) : IIncomingGrainCallFilter
{
    private static readonly Serializer Serializer = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions
        .GetRequiredService<Serializer>(Microsoft.Extensions.DependencyInjection.ServiceCollectionContainerBuilderExtensions.BuildServiceProvider(
            new Microsoft.Extensions.DependencyInjection.ServiceCollection().AddSerializer()));

    public Task Invoke(IIncomingGrainCallContext context)
    {
        if (context.InterfaceName.Contains("Gristmill", StringComparison.Ordinal))
        {
            long bytes = 0;
            for (var i = 0; i < context.Request.GetArgumentCount(); i++)
            {
                if (context.Request.GetArgument(i) is { } argument and not CancellationToken and not IAddressable)
                {
                    bytes += Serializer.SerializeToArray(argument).Length;
                }
            }

            largest.AddOrUpdate($"{context.InterfaceName}.{context.MethodName}", bytes, (_, known) => Math.Max(known, bytes));
        }

        return context.Invoke();
    }
}
